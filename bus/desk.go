package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Desk is where clients and the leader meet: coordinator.Inbox and coordinator.Herald on one side, client.Desk on the
// other.
type Desk struct{ bus *Bus }

// Desk is the desk on this bus.
func (b *Bus) Desk() *Desk { return &Desk{b} }

// Accept deletes a submission from the jobs stream.
func (d *Desk) Accept(ctx context.Context, seq uint64) error {
	stream, err := d.bus.stream(ctx, d.bus.names.jobs())
	if err != nil {
		return fmt.Errorf("accept submission %d: %w", seq, err)
	}
	err = d.bus.ask(ctx, "STREAM.MSG.DELETE."+d.bus.names.jobs(), func(ctx context.Context) error { return stream.DeleteMsg(ctx, seq) })
	switch {
	case err == nil || isCode(err, codeNoSequence) || isCode(err, codeNotDeleted) && strings.Contains(err.Error(), "no message found"):
		return nil // an answer that it is not there is as good
	case answered(err):
		err = mapreduce.Permanent(err)
	}
	return fmt.Errorf("accept submission %d: %w", seq, err)
}

// What a server says of a message that it does not delete.
const (
	codeNoSequence = 10043
	codeNotDeleted = 10057 // and why not
)

// rejection is what is said about a submission that was not taken up.
type rejection struct {
	Seq    uint64 `json:"seq"`
	Reason string `json:"reason"`
}

// Events about jobs, by the last token of their subject.
const (
	eventState    = "state"    // a mapreduce.Status
	eventRejected = "rejected" // a rejection
)

// Reject says why a submission was not taken up.
func (d *Desk) Reject(job mapreduce.JobID, seq uint64, reason string) error {
	if !job.Valid() {
		job = mapreduce.JobID(fmt.Sprintf("j%d", seq))
	}
	return d.say(d.bus.names.event(job, eventRejected), rejection{seq, reason})
}

// Tell says where a job stands.
func (d *Desk) Tell(status mapreduce.Status) error {
	return d.say(d.bus.names.event(status.ID, eventState), status)
}

// Dismiss says that a submission or a task is over.
func (d *Desk) Dismiss(over mapreduce.Over) error {
	text, err := over.MarshalText()
	if err != nil {
		return err
	}
	return d.bus.nc.Publish(d.bus.names.over(), text)
}

// Answer answers a request. An error is sent by whoever counts the errors of the service, if the request still waits.
func (d *Desk) Answer(reply string, a mapreduce.Answer) error {
	switch {
	case reply == "":
		return nil
	case a.Error != "":
		code := codeRefused
		if a.Unknown {
			code = codeUnknown
		}
		no := newErrorAnswer(code, a.Error)
		if d.bus.open.settle(reply, no) {
			return nil
		}
		return d.bus.nc.PublishMsg(no.message(reply))
	}
	defer d.bus.open.settle(reply, nil)
	return d.say(reply, answerBody(a))
}

// answerBody is the part of an answer that holds something, as clients read it.
func answerBody(a mapreduce.Answer) any {
	switch {
	case a.Jobs != nil:
		return a.Jobs
	case a.Workers != nil:
		return a.Workers
	case a.Quarantine != nil:
		return *a.Quarantine
	case a.Timeline != nil:
		return a.Timeline
	case a.Vitals != nil:
		return a.Vitals
	case a.Upload != "":
		return map[string]string{"upload": a.Upload}
	}
	return a.Status
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (d *Desk) say(subject string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", subject, err)
	}
	return d.bus.nc.Publish(subject, data)
}

// Submit hands a job to the leader, who records it or refuses it for good, and returns where it stands then. When none
// answers it stores the job in the jobs stream, durably, and returns its sequence there and no status: it is taken up when
// somebody leads. Twice the same is one job, so that it does not matter whether an answer was lost. A job of commands goes where only
// those may publish who may submit such jobs, if this user may.
func (d *Desk) Submit(ctx context.Context, job mapreduce.Job) (status *mapreduce.Status, seq uint64, err error) {
	if job.Commands.Given() {
		if status, seq, err = d.submit(ctx, execRequest, job); !errors.Is(err, ErrDenied) {
			return status, seq, err
		}
	}
	return d.submit(ctx, submitRequest, job)
}

func (d *Desk) submit(ctx context.Context, want mapreduce.Want, job mapreduce.Job) (*mapreduce.Status, uint64, error) {
	data, err := json.Marshal(job)
	if err != nil {
		return nil, 0, fmt.Errorf("encode job: %w", err)
	}
	status, err := request[*mapreduce.Status](ctx, d, want, data)
	if err == nil || mapreduce.IsPermanent(err) || ctx.Err() != nil {
		return status, 0, err
	}
	subject := d.bus.names.jobsSubject()
	if want == execRequest {
		if subject, err = d.bus.execSubject(ctx); err != nil {
			return nil, 0, err
		}
	}
	// The id of the message makes a retry after a lost answer the same submission.
	seq, err := d.bus.put(ctx, subject, job, jetstream.WithMsgID(nats.NewInbox()))
	return nil, seq, err
}

// execSubject is where a job of commands is stored. A stream that an earlier jetreduce has made has one subject for all.
func (b *Bus) execSubject(ctx context.Context) (string, error) {
	jobs, err := b.stream(ctx, b.names.jobs())
	if err != nil || slices.Contains(jobs.CachedInfo().Config.Subjects, b.names.execSubject()) {
		return b.names.execSubject(), err
	}
	return b.names.jobsSubject(), nil
}

// Ask asks the leader where a job stands; nil means that it knows no such job. Without a leader there is no answer, and
// the error says so.
func (d *Desk) Ask(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	status, err := request[*mapreduce.Status](ctx, d, mapreduce.WantStatus, []byte(job))
	if errors.Is(err, mapreduce.ErrUnknownJob) {
		return nil, nil
	}
	return status, err
}

// Cancel, Retry and Remove ask the leader for that, and return where the job stands then.
func (d *Desk) Cancel(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	return request[*mapreduce.Status](ctx, d, mapreduce.WantCancel, []byte(job))
}

// Retry runs a job that failed or was cancelled again.
func (d *Desk) Retry(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	return request[*mapreduce.Status](ctx, d, mapreduce.WantRetry, []byte(job))
}

// Remove removes a job that has ended, with its result on the bus.
func (d *Desk) Remove(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	return request[*mapreduce.Status](ctx, d, mapreduce.WantRemove, []byte(job))
}

// List lists the jobs.
func (d *Desk) List(ctx context.Context) (mapreduce.JobList, error) {
	return request[mapreduce.JobList](ctx, d, mapreduce.WantList, nil)
}

// Workers lists the workers that the leader has heard of.
func (d *Desk) Workers(ctx context.Context) ([]mapreduce.Member, error) {
	return request[[]mapreduce.Member](ctx, d, mapreduce.WantWorkers, nil)
}

// Quarantine lists the records that a job has left out, in the order in which they stand.
func (d *Desk) Quarantine(ctx context.Context, job mapreduce.JobID) ([]mapreduce.BadRecord, error) {
	return request[[]mapreduce.BadRecord](ctx, d, mapreduce.WantQuarantine, []byte(job))
}

// NewUpload asks for a place for input that the bus is to carry, and returns its name: the one given, under which there may be something,
// or a new one if that is "".
func (d *Desk) NewUpload(ctx context.Context, name string) (string, error) {
	answer, err := request[struct{ Upload string }](ctx, d, mapreduce.WantUpload, []byte(name))
	return answer.Upload, err
}

// Discard drops an upload that no job names.
func (d *Desk) Discard(ctx context.Context, upload string) error {
	_, err := request[struct{ Upload string }](ctx, d, mapreduce.WantDiscard, []byte(upload))
	return err
}

// requestWait is how long a leader may take to answer. What is asked for may have to wait for the bus.
const requestWait = 5 * time.Second

// request asks the leader for something. An error that it answers is permanent.
func request[T any](ctx context.Context, d *Desk, want mapreduce.Want, data []byte) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	subject := d.bus.names.api(string(want))
	ctx, heard := d.bus.denials.until(ctx, subject)
	defer heard()
	msg, err := d.bus.nc.RequestWithContext(ctx, subject, data)
	err = deniedOr(ctx, err)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return answer, d.bus.nobody(ctx)
	case errors.Is(err, context.DeadlineExceeded) && d.bus.nc.Status() != nats.CONNECTED:
		return answer, errors.New("the bus is away")
	case errors.Is(err, context.DeadlineExceeded):
		return answer, fmt.Errorf("no coordinator has answered within %s", requestWait)
	case err != nil:
		return answer, fmt.Errorf("ask for %s: %w", want, err)
	case msg.Header.Get(codeHeader) == codeUnknown:
		return answer, fmt.Errorf("%w %q", mapreduce.ErrUnknownJob, data)
	case msg.Header.Get(codeHeader) != "":
		var refusal struct{ Error string }
		err := decode("answer", msg.Data, &refusal)
		return answer, errors.Join(err, mapreduce.Permanentf("%s", refusal.Error))
	}
	return answer, decode("answer", msg.Data, &answer)
}

// Listen calls back for all that is said about a job, on one goroutine, until stop is called: tell for where it stands,
// reject for a submission that was not taken up.
func (d *Desk) Listen(job mapreduce.JobID, tell func(mapreduce.Status), reject func(seq uint64, reason string)) (stop func(), err error) {
	before, subject := d.bus.nc.LastError(), d.bus.names.event(job, "*")
	sub, err := d.bus.nc.Subscribe(subject, func(msg *nats.Msg) { readEvent(msg, tell, reject) })
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", job, err)
	}
	// A connection that is lost meanwhile takes the subscription along when it is back.
	if err := d.bus.nc.Flush(); err != nil && d.bus.nc.IsClosed() {
		return nil, fmt.Errorf("listen for %s: %w", job, err)
	}
	if denied := d.bus.denials.deniedSince(before, subject); denied != nil {
		return nil, errors.Join(fmt.Errorf("listen for %s: %w", job, denied), sub.Unsubscribe())
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

// readEvent calls back for one event; what cannot be read is none.
func readEvent(msg *nats.Msg, tell func(mapreduce.Status), reject func(seq uint64, reason string)) {
	switch {
	case strings.HasSuffix(msg.Subject, "."+eventState):
		var status mapreduce.Status
		if json.Unmarshal(msg.Data, &status) == nil {
			tell(status)
		}
	case strings.HasSuffix(msg.Subject, "."+eventRejected):
		var r rejection
		if json.Unmarshal(msg.Data, &r) == nil {
			reject(r.Seq, r.Reason)
		}
	}
}
