package bus_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// intoStore is the target of a job that names none, intoBucket one that names an object.
var (
	intoStore  = mapreduce.Target{}
	intoBucket = mapreduce.Target{To: "object://mine/a%20dir/out.csv"}
)

// withBuckets starts a server that has the store of results, and a bucket of a user's.
func withBuckets(t *testing.T) (*bus.Bus, jetstream.JetStream) {
	t.Helper()
	s := bustest.Start(t, patience)
	b := s.Bus()
	if err := b.MakeResults(deadline(t)); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(s.Conn())
	if err == nil {
		_, err = js.CreateObjectStore(deadline(t), jetstream.ObjectStoreConfig{Bucket: "mine"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b, js
}

func publishResult(ctx context.Context, b *bus.Bus, uid mapreduce.UID, target mapreduce.Target, text string, digest mapreduce.Digest) error {
	return b.Results().Publish(ctx, uid, target, strings.NewReader(text), int64(len(text)), digest)
}

func fetch(ctx context.Context, b *bus.Bus, uid mapreduce.UID, target mapreduce.Target) (string, error) {
	content, err := b.Results().Fetch(ctx, uid, target)
	if err != nil {
		return "", err
	}
	got, err := io.ReadAll(content)
	return string(got), errors.Join(err, content.Close())
}

// object is what any NATS client gets under a name.
func object(t *testing.T, js jetstream.JetStream, bucket, name string) (string, error) {
	t.Helper()
	store, err := js.ObjectStore(deadline(t), bucket)
	if err != nil {
		t.Fatal(err)
	}
	return store.GetString(deadline(t), name)
}

// messages is how many messages the stream below a bucket holds.
func messages(t *testing.T, js jetstream.JetStream, bucket string) uint64 {
	t.Helper()
	stream, err := js.Stream(deadline(t), "OBJ_"+bucket)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func last(t *testing.T, b *bus.Bus, target mapreduce.Target) uint64 {
	t.Helper()
	seq, err := b.Links().Last(deadline(t), target, "job")
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func TestResultIsFetchedByItsNameOnceItIsLinked(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	text := noise(3<<20+5, 1)
	for target, name := range map[mapreduce.Target][2]string{intoStore: {"jetreduce-out", "job"}, intoBucket: {"mine", "a dir/out.csv"}} {
		if err := b.Results().Check(ctx, "u1", target); err != nil {
			t.Fatal(err)
		}
		if err := publishResult(ctx, b, "u1", target, text, 7); err != nil {
			t.Fatal(err)
		}
		if _, err := object(t, js, name[0], name[1]); !errors.Is(err, jetstream.ErrObjectNotFound) {
			t.Errorf("%v is there before it is linked: %v", name, err)
		}
		if err := b.Links().Link(ctx, "job", "u1", target, last(t, b, target)); err != nil {
			t.Fatal(err)
		}
		if got, err := object(t, js, name[0], name[1]); err != nil || got != text {
			t.Errorf("%v: %d bytes of %d, %v", name, len(got), len(text), err)
		}
		if got, err := fetch(ctx, b, "u1", target); err != nil || got != text {
			t.Errorf("fetched %d bytes of %d, %v", len(got), len(text), err)
		}
	}
}

func TestEmptyResultIsAResult(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, _ := withBuckets(t)
	if err := publishResult(ctx, b, "u1", intoStore, "", 7); err != nil {
		t.Fatal(err)
	}
	if got, err := fetch(ctx, b, "u1", intoStore); err != nil || got != "" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := fetch(ctx, b, "u2", intoStore); err == nil || !strings.Contains(err.Error(), "not on the bus") {
		t.Errorf("a result that is not there: %v", err)
	}
}

func TestResultIsWrittenOnce(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	if err := publishResult(ctx, b, "u1", intoStore, "rows", 7); err != nil {
		t.Fatal(err)
	}
	before := messages(t, js, "jetreduce-out")
	if err := publishResult(ctx, b, "u1", intoStore, "rows", 7); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := publishResult(ctx, b, "u1", intoStore, "ROWS", 8); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "0000000000000007") {
		t.Errorf("another digest: %v", err)
	}
	if after := messages(t, js, "jetreduce-out"); after != before {
		t.Errorf("%d messages, then %d", before, after)
	}
	if got, err := fetch(ctx, b, "u1", intoStore); err != nil || got != "rows" {
		t.Errorf("%q %v", got, err)
	}
}

// racing publishes the same under the same uid when it is first read: between the look and the write.
type racing struct {
	io.ReaderAt
	first func()
}

func (r *racing) ReadAt(p []byte, offset int64) (int, error) {
	if r.first != nil {
		r.first()
		r.first = nil
	}
	return r.ReaderAt.ReadAt(p, offset)
}

func TestOfTwoThatPublishAtATimeOneStandsAndNothingIsLeftOver(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	for uid, digest := range map[mapreduce.UID]mapreduce.Digest{"same": 7, "other": 8} {
		before := messages(t, js, "jetreduce-out")
		content := &racing{strings.NewReader("rows"), func() {
			if err := publishResult(ctx, b, uid, intoStore, "ROWS", digest); err != nil {
				t.Error(err)
			}
		}}
		err := b.Results().Publish(ctx, uid, intoStore, content, 4, 7)
		if (err == nil) != (digest == 7) || err != nil && !mapreduce.IsPermanent(err) {
			t.Errorf("digest 7 after %d: %v", digest, err)
		}
		if got, err := fetch(ctx, b, uid, intoStore); err != nil || got != "ROWS" {
			t.Errorf("%s: %q %v", uid, got, err)
		}
		if err := b.Links().Link(ctx, mapreduce.JobID(uid), uid, intoStore, 0); err != nil { // the leader tidies up
			t.Error(err)
		}
		if after := messages(t, js, "jetreduce-out"); after != before+3 {
			t.Errorf("%d messages, then %d: a chunk, an object and a link were to come", before, after)
		}
	}
}

func TestLinkOfALeaderThatWasOvertakenIsRefused(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	for _, uid := range []mapreduce.UID{"old", "new"} {
		if err := publishResult(ctx, b, uid, intoStore, string(uid), 7); err != nil {
			t.Fatal(err)
		}
	}
	before := last(t, b, intoStore)
	links := b.Links()
	for range 2 { // the answer may have been lost
		if err := links.Link(ctx, "job", "new", intoStore, before); err != nil {
			t.Fatal(err)
		}
	}
	if err := links.Link(ctx, "job", "old", intoStore, before); !errors.Is(err, mapreduce.ErrOvertaken) {
		t.Errorf("a stale link: %v", err)
	}
	if got, err := object(t, js, "jetreduce-out", "job"); err != nil || got != "new" {
		t.Errorf("%q %v", got, err)
	}
	// The next submission of the id takes the name over.
	if err := links.Link(ctx, "job", "old", intoStore, last(t, b, intoStore)); err != nil {
		t.Fatal(err)
	}
	if got, err := object(t, js, "jetreduce-out", "job"); err != nil || got != "old" {
		t.Errorf("%q %v", got, err)
	}
}

func TestStaleLinkDoesNotBringARemovedResultBack(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	links := b.Links()
	for range 2 { // never linked; and removed before
		before := last(t, b, intoStore)
		if err := links.Unlink(ctx, "job", "u1", intoStore); err != nil {
			t.Fatal(err)
		}
		if err := links.Link(ctx, "job", "u1", intoStore, before); !errors.Is(err, mapreduce.ErrOvertaken) {
			t.Errorf("a stale link: %v", err)
		}
	}
	if err := publishResult(ctx, b, "u1", intoStore, "rows", 7); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "removed") {
		t.Errorf("published what was removed: %v", err)
	}
	if got, err := object(t, js, "jetreduce-out", "job"); !errors.Is(err, jetstream.ErrObjectNotFound) {
		t.Errorf("%q %v", got, err)
	}
}

func TestUnlinkRemovesTheResultAndNothingElse(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	links := b.Links()
	for _, uid := range []mapreduce.UID{"u1", "u2"} {
		if err := publishResult(ctx, b, uid, intoBucket, string(uid), 7); err != nil {
			t.Fatal(err)
		}
	}
	if err := links.Link(ctx, "job", "u2", intoBucket, last(t, b, intoBucket)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := links.Unlink(ctx, "job", "u1", intoBucket); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := object(t, js, "mine", "a dir/out.csv"); err != nil || got != "u2" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := fetch(ctx, b, "u1", intoBucket); err == nil {
		t.Error("the result is still there")
	}
	if err := links.Unlink(ctx, "job", "u2", intoBucket); err != nil {
		t.Fatal(err)
	}
	if got, err := object(t, js, "mine", "a dir/out.csv"); !errors.Is(err, jetstream.ErrObjectNotFound) {
		t.Errorf("%q %v", got, err)
	}
	if got := messages(t, js, "mine"); got != 3 {
		t.Errorf("%d messages are left, want the three marks: chunks are not removed", got)
	}
	if err := links.Unlink(ctx, "job", "u1", mapreduce.Target{To: "object://none/x"}); err != nil {
		t.Errorf("in a bucket that is gone: %v", err)
	}
}

func TestObjectOfTheUsersIsReplacedOnlyByForce(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	store, err := js.ObjectStore(ctx, "mine")
	if err == nil {
		_, err = store.PutString(ctx, "a dir/out.csv", "theirs")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Results().Check(ctx, "u1", intoBucket); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "--force") {
		t.Errorf("checked: %v", err)
	}
	if err := publishResult(ctx, b, "u1", intoBucket, "rows", 7); err != nil {
		t.Fatal(err)
	}
	if err := b.Links().Link(ctx, "job", "u1", intoBucket, last(t, b, intoBucket)); !mapreduce.IsPermanent(err) {
		t.Errorf("linked: %v", err)
	}
	if err := b.Links().Unlink(ctx, "job", "u1", intoBucket); err != nil {
		t.Fatal(err)
	}
	if got, err := object(t, js, "mine", "a dir/out.csv"); err != nil || got != "theirs" {
		t.Errorf("%q %v", got, err)
	}
	forced := intoBucket
	forced.Force = true
	err = errors.Join(b.Results().Check(ctx, "u2", forced), publishResult(ctx, b, "u2", forced, "rows", 7),
		b.Links().Link(ctx, "job", "u2", forced, last(t, b, forced)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := object(t, js, "mine", "a dir/out.csv"); err != nil || got != "rows" {
		t.Errorf("%q %v", got, err)
	}
}

func TestBucketThatIsNotThereIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, _ := withBuckets(t)
	target := mapreduce.Target{To: "object://none/x"}
	for claim, err := range map[string]error{
		"check": b.Results().Check(ctx, "u1", target), "publish": publishResult(ctx, b, "u1", target, "rows", 7),
		"link": b.Links().Link(ctx, "job", "u1", target, 0),
	} {
		if !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "nats object add none") {
			t.Errorf("%s: %v", claim, err)
		}
	}
}
