package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Links are the names by which users find results: the leader's side of Results.
//
// A link is written with the sequence that its name had before the leader's last fenced write. So a leader that was deposed
// in between, and wakes up late, writes nothing once its successor has: not over a newer result, and not where the result
// was removed.
//
// Buckets are the users', so all calls are bounded in time, and what is wrong with a bucket is a permanent error that names
// it, also that it does not answer. Only when the store of results does not, it is the bus that has to be waited for.
type Links struct {
	bus *Bus
	// Patience is how long a bucket may take.
	Patience time.Duration
}

// Links are the links to results on this bus; they are patient for 8 s.
func (b *Bus) Links() *Links { return &Links{b, namedWait} }

// in does something in a bucket.
func (l *Links) in(ctx context.Context, bucket string, call func(ctx context.Context) error) error {
	err := l.bus.within(ctx, l.Patience, call)
	if errors.Is(err, errMute) {
		err = fmt.Errorf("bucket %s %w", bucket, err)
		if bucket != l.bus.names.results() {
			return mapreduce.Permanent(err)
		}
	}
	return err
}

// Last is the sequence of what was last said under the name that a job's result gets; 0: nothing ever.
func (l *Links) Last(ctx context.Context, target mapreduce.Target, job mapreduce.JobID) (seq uint64, err error) {
	at, err := l.bus.names.linkPlace(target, job)
	if err != nil {
		return 0, err
	}
	var found standing
	err = l.in(ctx, at.bucket, func(ctx context.Context) (err error) {
		found, err = l.bus.stands(ctx, at)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look up %s in bucket %s: %w", at.name, at.bucket, err)
	}
	return found.seq, nil
}

// Link makes the name lead to the result of a submission, if nobody has written it since it had the sequence expected. If
// somebody has, that is mapreduce.ErrOvertaken, unless it is this very link: then it stands. A name in a bucket of the
// user's that leads to something else is replaced only when the target says Force.
func (l *Links) Link(ctx context.Context, job mapreduce.JobID, uid mapreduce.UID, target mapreduce.Target, expected uint64) error {
	from, to, err := l.places(job, uid, target)
	if err != nil {
		return err
	}
	err = l.in(ctx, from.bucket, func(ctx context.Context) error {
		err := l.link(ctx, from, to, target, expected)
		if err == nil {
			_ = l.tidy(ctx, to, uid) // what it leaves, Unlink removes
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("link %s in bucket %s to result %s: %w", from.name, from.bucket, to.name, err)
	}
	return nil
}

func (l *Links) places(job mapreduce.JobID, uid mapreduce.UID, target mapreduce.Target) (from, to place, err error) {
	if from, err = l.bus.names.linkPlace(target, job); err != nil {
		return from, to, err
	}
	to, err = l.bus.names.resultPlace(target, uid)
	return from, to, err
}

func (l *Links) link(ctx context.Context, from, to place, target mapreduce.Target, expected uint64) error {
	found, err := l.bus.stands(ctx, from)
	switch {
	case err != nil:
		return err
	case leadsTo(found, to):
		return nil
	case found.seq != expected:
		return fmt.Errorf("its sequence is %d, not %d: %w", found.seq, expected, mapreduce.ErrOvertaken)
	}
	if err := mayLink(found, target, from); err != nil {
		return err
	}
	return l.write(ctx, from, to, expected)
}

// tidy removes chunks that attempts have left which did not come to the end: workers remove nothing.
func (l *Links) tidy(ctx context.Context, at place, uid mapreduce.UID) error {
	ctx, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	subjects, err := l.chunks(ctx, at, uid)
	if err != nil || len(subjects) < 2 {
		return err
	}
	result, err := l.bus.stands(ctx, at)
	if err != nil {
		return err
	}
	for subject := range subjects {
		if id := strings.TrimPrefix(subject, objectChunks(at.bucket, "")); result.live() && id != result.info.NUID {
			if err := l.bus.purgeChunks(ctx, at.bucket, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// chunks are the subjects of all that attempts of a submission have stored, each an object, with how many chunks it has.
func (l *Links) chunks(ctx context.Context, at place, uid mapreduce.UID) (map[string]uint64, error) {
	stream, err := l.bus.stream(ctx, at.stream())
	if err != nil {
		return nil, err
	}
	var info *jetstream.StreamInfo
	err = l.bus.ask(ctx, "STREAM.INFO."+at.stream(), func(ctx context.Context) (err error) {
		info, err = stream.Info(ctx, jetstream.WithSubjectFilter(objectChunks(at.bucket, objectID(uid, "*"))))
		return err
	})
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}

// write writes a link, if its name still has the sequence expected.
func (l *Links) write(ctx context.Context, from, to place, expected uint64) error {
	result, err := l.bus.stands(ctx, to)
	if err != nil {
		return err
	}
	err = l.bus.putMeta(ctx, from, linkTo(from, to, result), expected)
	if !conflict(err) {
		return err
	}
	// Somebody else wrote, or an earlier try of ours did, whose answer was lost.
	found, err := l.bus.stands(ctx, from)
	if err != nil || leadsTo(found, to) {
		return err
	}
	return fmt.Errorf("its sequence is %d, not %d: %w", found.seq, expected, mapreduce.ErrOvertaken)
}

// mayLink refuses to put a result where something of the user's stands, unless that was asked for. Names in the store of
// results are ours.
func mayLink(found standing, target mapreduce.Target, at place) error {
	if target.To == "" || !found.live() || target.Force {
		return nil
	}
	return mapreduce.Permanentf("object %s exists: choose another name or add --force", at.name)
}

func leadsTo(found standing, to place) bool {
	link := found.link()
	return link != nil && link.Bucket == to.bucket && link.Name == to.name
}

// linkTo has the size and sum of what it leads to, for those who list or describe it.
func linkTo(from, to place, result standing) jetstream.ObjectInfo {
	return jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{
			Name: from.name,
			Opts: &jetstream.ObjectMetaOptions{Link: &jetstream.ObjectLink{Bucket: to.bucket, Name: to.name}},
		},
		Bucket: from.bucket, NUID: rand.Text(), Size: result.info.Size, Digest: result.info.Digest,
	}
}

// Unlink removes the result of a submission, and the link to it. Where there is no link it leaves a mark, so that one
// which is on its way, with an older expectation, is refused. What leads elsewhere stays. Where the bucket is gone, and where
// the target names nothing that can be, there is nothing to remove.
func (l *Links) Unlink(ctx context.Context, job mapreduce.JobID, uid mapreduce.UID, target mapreduce.Target) error {
	from, to, err := l.places(job, uid, target)
	if err != nil {
		return nil // no link was ever made there
	}
	err = l.in(ctx, from.bucket, func(ctx context.Context) error { return l.unlink(ctx, from, to, uid) })
	if err != nil && !goneFrom(err) {
		return fmt.Errorf("unlink %s in bucket %s and remove result %s: %w", from.name, from.bucket, to.name, err)
	}
	return nil
}

func (l *Links) unlink(ctx context.Context, from, to place, uid mapreduce.UID) error {
	err := l.mark(ctx, from, func(found standing) bool { return found.live() && !leadsTo(found, to) })
	if err != nil {
		return err
	}
	// The mark comes first: what was there before it is not to be written again either.
	if err := l.mark(ctx, to, func(standing) bool { return false }); err != nil {
		return err
	}
	return l.bus.purgeChunks(ctx, to.bucket, objectID(uid, "*"))
}

// mark writes that nothing stands at a place, unless what does is to stay.
func (l *Links) mark(ctx context.Context, at place, stays func(standing) bool) error {
	for {
		found, err := l.bus.stands(ctx, at)
		if err != nil || stays(found) {
			return err
		}
		nothing := jetstream.ObjectInfo{
			ObjectMeta: jetstream.ObjectMeta{Name: at.name}, Bucket: at.bucket, NUID: rand.Text(), Deleted: true,
		}
		if err = l.bus.putMeta(ctx, at, nothing, found.seq); !conflict(err) {
			return err
		}
	}
}
