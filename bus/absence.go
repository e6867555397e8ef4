package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// laneWait is for how long a stream of one server may be away from a bus that is there: its server may be being started again.
const laneWait = 5 * time.Second

// absence is how long a stream has been away, while the rest of the bus was there.
type absence struct {
	bus    *Bus
	stream string
}

// lasts reports whether the stream is to be given up. Call it when the stream has shown no life.
func (a absence) lasts(ctx context.Context) bool {
	err := a.look(ctx)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound) && a.bus.noStream(ctx, a.stream):
		return true
	case err == nil || !a.bus.takesWrites(ctx):
		a.bus.absences.end(a.stream)
		return false
	}
	return a.bus.absences.goOn(a.stream) > a.bus.awayWait(a.stream)
}

// takesWrites reports whether the bus is there. A server of a cluster that has lost sight of the others answers for seconds as if
// it had not: only a write proves that most of them are there.
func (b *Bus) takesWrites(ctx context.Context) bool {
	if !b.clustered() {
		return b.answers(ctx)
	}
	err := b.knock(ctx)
	return answered(err) && !busy(err) && !switchedOff(err)
}

// knock writes what nobody reads.
func (b *Bus) knock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	ctx, heard := b.denials.until(ctx, b.names.alive())
	defer heard()
	_, err := b.js.Publish(ctx, b.names.alive(), nil)
	return err
}

// look asks for the stream; nil: its server is there.
func (a absence) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.bus.absences.patience(a.stream))
	defer cancel()
	_, err := a.bus.js.Stream(ctx, a.stream)
	return err
}

// absences are known to all that use a connection: what one has waited for, the next need not wait for again.
type absences struct {
	mu  sync.Mutex
	all map[string]awayFor
}

// awayFor is between which times a stream was seen to be away.
type awayFor struct{ since, last time.Time }

// absenceMemory is for how long it counts that a stream was away.
const absenceMemory = 30 * time.Second

// goOn notes that a stream is still away, and returns for how long it has been.
func (a *absences) goOn(stream string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(a.all, func(_ string, away awayFor) bool { return now.Sub(away.last) > absenceMemory })
	since := now
	if away, known := a.all[stream]; known {
		since = away.since
	}
	a.all[stream] = awayFor{since, now}
	return now.Sub(since)
}

// end notes that a stream is there, or that nothing is known of it.
func (a *absences) end(stream string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, stream)
}

// patience is how long to wait for a stream to show itself: not long when it was given up a moment ago.
func (a *absences) patience(stream string) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if away, known := a.all[stream]; known && away.last.Sub(away.since) > laneWait && time.Since(away.last) < absenceMemory {
		return laneSilence / 4
	}
	return laneSilence
}

// leadersLast is the last message on a subject as the leader of its stream knows it. Others may answer sooner, but what they
// do not have yet they say is not there. errGone: it is not there.
func (b *Bus) leadersLast(ctx context.Context, stream, subject string) (*nats.Msg, error) {
	msg, err := b.leadersMessage(ctx, stream, map[string]any{"last_by_subj": subject})
	if err != nil {
		return nil, fmt.Errorf("%s on stream %s: %w", subject, stream, err)
	}
	return &nats.Msg{Header: msg.Header, Data: msg.Data}, nil
}

// leadersMessage is a message of a stream as its leader knows it. errGone: it is not there.
func (b *Bus) leadersMessage(ctx context.Context, stream string, which map[string]any) (*jetstream.RawStreamMsg, error) {
	request, err := json.Marshal(which)
	if err != nil {
		return nil, err
	}
	found, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, request)
	if err != nil {
		return nil, err
	}
	return readMessage(found.Data)
}

// readMessage reads what the leader of a stream says of a message.
func readMessage(data []byte) (*jetstream.RawStreamMsg, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject  string    `json:"subject"`
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	if err := decode("answer", data, &answer); err != nil {
		return nil, mapreduce.Permanent(err)
	}
	switch refusal := answer.Error; {
	case refusal != nil && refusal.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, errGone
	case refusal != nil:
		return nil, refusal
	}
	found := answer.Message
	msg := &jetstream.RawStreamMsg{Subject: found.Subject, Sequence: found.Sequence, Data: found.Data, Time: found.Time}
	if len(found.Header) > 0 {
		var err error
		if msg.Header, err = nats.DecodeHeadersMsg(found.Header); err != nil {
			return nil, mapreduce.Permanent(err)
		}
	}
	return msg, nil
}
