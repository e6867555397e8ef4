package bus

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Results are objects in NATS' object stores (its ADR-20), so that every NATS client can fetch them. A result is stored
// once, under a name that its submission alone has; what the user asks for by name is a link to it, which is one message:
//
//	bucket jetreduce-out     <job id> ──link──▶ @<uid>            without a target
//	bucket BUCKET            NAME ──link──▶ NAME@<uid>            object://BUCKET/NAME
//
// No id has an @ in it, so that no job's link takes the place of another's result.
//
// So a name leads to a whole result or to none, workers may publish a result twice and at any time, and which result a name
// leads to, the leader decides. A rename in its place would leave nothing by which a second attempt knows the first.
type Results struct{ bus *Bus }

// Results are the results on this bus.
func (b *Bus) Results() *Results { return &Results{b} }

func (n names) results() string { return n.prefix + "-out" }

// MakeResults makes the bucket of results whose jobs name no other, unless it is there.
func (b *Bus) MakeResults(ctx context.Context) error {
	_, err := b.makeDurable(ctx, b.resultsBucket())
	return err
}

// resultsBucket is the stream below a bucket of objects, as the object API makes it.
func (b *Bus) resultsBucket() jetstream.StreamConfig {
	bucket := b.names.results()
	return jetstream.StreamConfig{
		Name: objectStream(bucket), Subjects: []string{objectChunks(bucket, ">"), objectMetas(bucket) + ">"},
		Description: "results of jobs", Discard: jetstream.DiscardNew, AllowRollup: true, AllowDirect: true,
	}
}

func objectStream(bucket string) string         { return "OBJ_" + bucket }
func objectChunks(bucket, chunks string) string { return "$O." + bucket + ".C." + chunks }
func objectMetas(bucket string) string          { return "$O." + bucket + ".M." }

// place is where in the object stores something stands.
type place struct{ bucket, name string }

func (p place) stream() string { return objectStream(p.bucket) }

// meta is the subject that says what the object is.
func (p place) meta() string {
	return objectMetas(p.bucket) + base64.URLEncoding.EncodeToString([]byte(p.name))
}

// resultPlace is where a submission's result stands, linkPlace where the user looks for it.
func (n names) resultPlace(target mapreduce.Target, uid mapreduce.UID) (place, error) {
	at, err := n.linkPlace(target, "")
	at.name += "@" + string(uid)
	return at, err
}

func (n names) linkPlace(target mapreduce.Target, job mapreduce.JobID) (place, error) {
	object, err := objectOf(target)
	if err != nil || object.Bucket != "" {
		return place{object.Bucket, object.Name}, err
	}
	return place{n.results(), string(job)}, nil
}

func objectOf(target mapreduce.Target) (mapreduce.Object, error) {
	object, is, err := target.Object()
	if err == nil && !is {
		err = mapreduce.Permanentf("output %q: is no object", target.To)
	}
	return object, err
}

// standing is what stands at a place: the zero value when nothing ever did.
type standing struct {
	seq  uint64 // of its message
	info jetstream.ObjectInfo
}

// live reports whether there is an object or a link.
func (s standing) live() bool { return s.seq > 0 && !s.info.Deleted }

func (s standing) link() *jetstream.ObjectLink {
	if !s.live() || s.info.Opts == nil {
		return nil
	}
	return s.info.Opts.Link
}

// stands asks what stands at a place. It asks the stream's leader, for a direct get may be stale.
func (b *Bus) stands(ctx context.Context, at place) (standing, error) {
	var found standing
	request, err := json.Marshal(map[string]string{"last_by_subj": at.meta()})
	if err != nil {
		return found, err
	}
	d := doubt{bus: b}
	err = b.ask(ctx, func(ctx context.Context) error {
		answer, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+at.stream(), request)
		if err != nil {
			return err
		}
		found, err = readStanding(answer.Data)
		return d.of(err)
	})
	if isCode(err, jetstream.JSErrCodeStreamNotFound) {
		return found, mapreduce.Permanent(fmt.Errorf("no bucket %s: make it first (nats object add %s): %w", at.bucket, at.bucket, errGone))
	}
	return found, err
}

func readStanding(data []byte) (standing, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Seq  uint64 `json:"seq"`
			Data []byte `json:"data"`
		} `json:"message"`
	}
	if err := decode("answer", data, &answer); err != nil {
		return standing{}, mapreduce.Permanent(err)
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return standing{}, nil
	case answer.Error != nil:
		return standing{}, answer.Error
	case answer.Message == nil:
		return standing{}, mapreduce.Permanentf("an answer without a message")
	}
	s := standing{seq: answer.Message.Seq}
	return s, mapreduce.Permanent(decode("object", answer.Message.Data, &s.info))
}

// Fetch opens the result of a submission. What is read is checked against its digest, at the end.
func (r *Results) Fetch(ctx context.Context, uid mapreduce.UID, target mapreduce.Target) (io.ReadCloser, error) {
	at, err := r.bus.names.resultPlace(target, uid)
	if err != nil {
		return nil, err
	}
	var found io.ReadCloser
	err = r.bus.ask(ctx, func(try context.Context) (err error) {
		found, err = r.open(ctx, try, at)
		if errors.Is(err, errGone) && r.bus.clustered() {
			err = r.doubt(try, at, err)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch result %s: %w", at.name, err)
	}
	return found, nil
}

// doubt asks the leader of the bucket about a result that was not found: another server may not have it yet.
func (r *Results) doubt(ctx context.Context, at place, err error) error {
	asked, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	if found, fault := r.bus.stands(asked, at); fault == nil && found.live() {
		return fmt.Errorf("%s: %w", at.name, errNotYet)
	}
	return err
}

// fetchWait bounds one fetch: without a deadline the client's own, of seconds, would hold for the whole of it.
const fetchWait = 24 * time.Hour

// open opens an object for reading, which ctx bounds; try bounds the opening.
func (r *Results) open(ctx, try context.Context, at place) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWait)
	late := context.AfterFunc(try, cancel)
	store, err := r.bus.js.ObjectStore(try, at.bucket)
	var found jetstream.ObjectResult
	if err == nil {
		found, err = get(ctx, store, at.name)
	}
	if err == nil && late() {
		return fetched{found, cancel}, nil
	}
	cancel()
	if err == nil {
		return nil, errors.Join(found.Close(), try.Err())
	}
	for _, definite := range []error{jetstream.ErrBucketNotFound, jetstream.ErrObjectNotFound, jetstream.ErrBadObjectMeta} {
		if errors.Is(err, definite) {
			return nil, fmt.Errorf("%w: %w", errGone, err)
		}
	}
	return nil, err
}

// get opens an object, and refuses a link, which would lead to whatever somebody else has put there.
func get(ctx context.Context, store jetstream.ObjectStore, name string) (jetstream.ObjectResult, error) {
	info, err := store.GetInfo(ctx, name)
	if err != nil {
		return nil, err
	}
	if info.Opts != nil && info.Opts.Link != nil {
		return nil, mapreduce.Permanentf("a link to %s in bucket %s took its place", info.Opts.Link.Name, info.Opts.Link.Bucket)
	}
	return store.Get(ctx, name)
}

// fetched ends its context when it is closed.
type fetched struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (f fetched) Close() error {
	defer f.cancel()
	return f.ReadCloser.Close()
}
