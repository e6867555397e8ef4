package bus

import (
	"fmt"
	"strings"
)

// maxPrefix is how many bytes a prefix may have: names of streams go into file names.
const maxPrefix = 32

// CheckPrefix refuses a prefix of which no names can be made, or names that another prefix makes, too: streams have it in
// capitals, buckets and subjects as it is.
func CheckPrefix(prefix string) error {
	for i, c := range []byte(prefix) {
		letter, other := 'a' <= c && c <= 'z', '0' <= c && c <= '9' || c == '-'
		if !letter && (i == 0 || !other) {
			return badPrefix(prefix)
		}
	}
	if prefix == "" || len(prefix) > maxPrefix {
		return badPrefix(prefix)
	}
	return nil
}

func badPrefix(prefix string) error {
	return fmt.Errorf("prefix %q: use small letters, digits and hyphens, %d at most, a letter first", prefix, maxPrefix)
}

// known reports whether a name is one of those given, or begins with one that ends with a star.
func known(name string, patterns ...string) bool {
	for _, pattern := range patterns {
		if head, open := strings.CutSuffix(pattern, "*"); name == pattern || open && strings.HasPrefix(name, head) {
			return true
		}
	}
	return false
}

// mine reports whether a stream is jetreduce's under this prefix: one of ours, a lane, an upload, the bucket of results. What only
// begins like one is another's: KV_a-state is of prefix a, KV_a-b-state of prefix a-b.
func (n names) mine(stream string) bool {
	return known(stream, n.stream("*"), bucket(n.state()), bucket(n.commits()), objectStream(n.results()))
}
