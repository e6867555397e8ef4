package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	err = ask(ctx, func(ctx context.Context) error { return stream.DeleteMsg(ctx, seq) })
	if err != nil && !answered(err) {
		return fmt.Errorf("accept submission %d: %w", seq, err)
	}
	return nil // an answer that it is not there is as good
}

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

// Answer answers a question about a job.
func (d *Desk) Answer(reply string, status *mapreduce.Status) error {
	if reply == "" {
		return nil
	}
	return d.say(reply, status)
}

func (d *Desk) say(subject string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", subject, err)
	}
	return d.bus.nc.Publish(subject, data)
}

// Submit stores a job in the jobs stream, durably, and returns its sequence there. It is not taken up yet.
func (d *Desk) Submit(ctx context.Context, job mapreduce.Job) (uint64, error) {
	// The id of the message makes a retry after a lost answer the same submission.
	return d.bus.put(ctx, d.bus.names.jobsSubject(), job, jetstream.WithMsgID(nats.NewInbox()))
}

// Ask asks the leader where a job stands; nil means that it knows no such job. Without a leader there is no answer, and
// the error says so.
func (d *Desk) Ask(ctx context.Context, job mapreduce.JobID) (*mapreduce.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	msg, err := d.bus.nc.RequestWithContext(ctx, d.bus.names.askStatus(), []byte(job))
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, errors.New("no coordinator is there: start one with `jetreduce coordinator`")
	}
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", job, err)
	}
	var status *mapreduce.Status
	err = decode("status", msg.Data, &status)
	return status, err
}

// Listen calls back for all that is said about a job, on one goroutine, until stop is called: tell for where it stands,
// reject for a submission that was not taken up.
func (d *Desk) Listen(job mapreduce.JobID, tell func(mapreduce.Status), reject func(seq uint64, reason string)) (stop func(), err error) {
	sub, err := d.bus.nc.Subscribe(d.bus.names.event(job, "*"), func(msg *nats.Msg) {
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
	})
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", job, err)
	}
	if err := d.bus.nc.Flush(); err != nil {
		return nil, fmt.Errorf("listen for %s: %w", job, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
