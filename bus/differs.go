package bus

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// differs says in what a stream is not as it would be made, as far as that matters, and what to do about it. "": it is.
func (b *Bus) differs(is, want jetstream.StreamConfig) (seen, do string) {
	want = b.finished(want)
	if b.shape.Replicas != 1 && b.clustered() {
		want.Replicas = replicas
	}
	return b.compare(is, want)
}

// edited says in what a stream is not as it was made: somebody has changed it since, or made another under its name. Where it stands and
// how much it may hold may have been asked for.
func (b *Bus) edited(is, want jetstream.StreamConfig) (seen, do string) {
	want.Replicas, want.Storage, want.MaxBytes = is.Replicas, is.Storage, 0
	return b.compare(is, want)
}

// forgets reports whether a stream drops what was acknowledged and is still wanted.
func forgets(is, want jetstream.StreamConfig) bool {
	return slices.ContainsFunc(append(sizes(is, want), manners(is, want)...), func(d difference) bool { return d.differs && d.forgets })
}

func (b *Bus) compare(is, want jetstream.StreamConfig) (seen, do string) {
	var differences, edits []string
	for _, d := range append(sizes(is, want), manners(is, want)...) {
		if d.differs {
			differences, edits = append(differences, d.what), append(edits, d.edit)
		}
	}
	if made := b.lasting(is, want); made != "" {
		return strings.Join(append(differences, made), ", "),
			"it cannot be made right: when no job runs, remove it with `nats stream rm " + is.Name + "`, and run `jetreduce setup` again"
	}
	if len(edits) == 0 {
		return "", ""
	}
	return strings.Join(differences, ", "), "nats stream edit " + is.Name + " " + strings.Join(edits, " ")
}

// difference is one way to differ, and how it is edited.
type difference struct {
	differs    bool
	what, edit string
	forgets    bool // what was acknowledged
}

// sizes are differences in how much a stream holds, and where.
func sizes(is, want jetstream.StreamConfig) []difference {
	return []difference{
		{is.Replicas < want.Replicas, fmt.Sprintf("on %s of the cluster", count(is.Replicas, "server")),
			fmt.Sprintf("--replicas %d", want.Replicas), false},
		{want.MaxBytes > 0 && is.MaxBytes != want.MaxBytes, "bounded to " + boundOf(is.MaxBytes), fmt.Sprintf("--max-bytes %d", want.MaxBytes),
			false},
		{is.MaxMsgs > 0 && is.MaxMsgs != want.MaxMsgs, fmt.Sprintf("holds %d messages at most", is.MaxMsgs),
			fmt.Sprintf("--max-msgs %d", cmp.Or(want.MaxMsgs, -1)), false},
	}
}

// manners are differences in what a stream does.
func manners(is, want jetstream.StreamConfig) []difference {
	bounded := is.MaxBytes > 0 || is.MaxMsgs > 0
	return []difference{
		{bounded && want.MaxMsgs <= 0 && is.Discard != jetstream.DiscardNew, "drops what is old when it is full", "--discard new", true},
		{is.MaxAge > 0 && is.MaxAge != want.MaxAge, "drops what is older than " + spoken(is.MaxAge.Round(time.Second)),
			fmt.Sprintf("--max-age %s", want.MaxAge), want.MaxAge == 0},
		{is.MaxMsgsPerSubject > 0 && want.MaxMsgsPerSubject <= 0, "keeps " + count(int(is.MaxMsgsPerSubject), "message") + " of a subject",
			"--max-msgs-per-subject=-1", true},
		{want.AllowDirect && !is.AllowDirect, "no direct gets", "--allow-direct", false},
		{!slices.Equal(is.Subjects, want.Subjects), "takes " + strings.Join(is.Subjects, " "), "--subjects " + strings.Join(want.Subjects, ","),
			false},
	}
}

// lasting is what of a stream nobody can change any more, or would not.
func (b *Bus) lasting(is, want jetstream.StreamConfig) string {
	minor, known := minorOf(b.nc.ConnectedServerVersion())
	switch {
	case is.Storage == jetstream.MemoryStorage && want.Storage == jetstream.FileStorage:
		return "in memory"
	case is.Retention != want.Retention:
		return fmt.Sprintf("keeps messages by %s, not %s", is.Retention, want.Retention)
	case is.Sealed:
		return "sealed"
	case want.MaxMsgsPerSubject > 0 && is.MaxMsgsPerSubject != want.MaxMsgsPerSubject:
		return fmt.Sprintf("keeps %d messages of a subject", is.MaxMsgsPerSubject)
	case want.AllowAtomicPublish && !is.AllowAtomicPublish && known && minor >= fullMinor:
		return "takes no batches"
	}
	return ""
}

func boundOf(bytes int64) string {
	if bytes <= 0 {
		return "nothing"
	}
	return bytesOf(bytes)
}
