package bus

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// unescape reads what escape wrote.
func unescape(t *rapid.T, name string) []byte {
	if name == "=" {
		return nil
	}
	key, err := url.PathUnescape(strings.ReplaceAll(name, "=", "%"))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(key)
}

func TestEscapedKeysAreValidAndReadUniquely(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(
			rapid.SliceOf(rapid.Byte()), rapid.SliceOf(rapid.SampledFrom([]byte(".=a 2E"))),
		).Draw(t, "key")
		name, err := escapedKey(key)
		if err != nil || !validKey(name) || !validSubject(name) || !bytes.Equal(unescape(t, name), key) {
			t.Errorf("%q is named %q, %v", key, name, err)
		}
		token, err := escapedToken(key)
		if err != nil || !validKey(token) || strings.Contains(token, ".") || !bytes.Equal(unescape(t, token), key) {
			t.Errorf("%q is the token %q, %v", key, token, err)
		}
		if plain, err := plainKey(key); err == nil && (!validKey(plain) || plain != string(key)) {
			t.Errorf("%q is %q", key, plain)
		}
		based, err := base64Key(key)
		if err != nil || !validKey(based) {
			t.Errorf("%q is named %q, %v", key, based, err)
		}
	})
}

func TestPatternsTakeSubjects(t *testing.T) {
	for _, c := range []struct {
		pattern, subject string
		want             bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a.*", "a.b", true}, {"a.*", "a", false}, {"a.*", "a.b.c", false},
		{"a.>", "a.b.c", true}, {"a.>", "a", false}, {"*.b", "a.b", true}, {"a.b", "a", false}, {"a", "a.b", false}, {">", "a.b", true},
	} {
		if takes(c.pattern, c.subject) != c.want {
			t.Errorf("%s takes %s: want %v", c.pattern, c.subject, c.want)
		}
	}
}
