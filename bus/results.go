package bus

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

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
	err = b.ask(ctx, "GET."+at.stream(), func(ctx context.Context) error {
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
