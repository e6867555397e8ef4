package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Bus is a connection to NATS, and the names under which jetreduce lives there. It is safe for concurrent use.
type Bus struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	names   names
	fetches chan struct{} // holds one for each request for chunks that is under way
	cluster atomic.Bool   // the bus is a cluster; once it was one, it is
	few     atomic.Bool   // a cluster that has too few servers for replicas
	shape   Shape         // of what is made; set before that
	log     *slog.Logger  // told what that comes to; nil: nobody is

	absences absences
	copies   copies
	denials  *denials
	open     openRequests // of this process, while it leads

	mu      sync.Mutex
	current context.Context // of the session
	since   time.Time       // when that began
	end     context.CancelFunc
}

// New uses a connection; who made it closes it. The prefix may be "".
func New(nc *nats.Conn, prefix string) (*Bus, error) {
	if prefix == "" {
		prefix = DefaultPrefix
	}
	if err := CheckPrefix(prefix); err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc,
		jetstream.WithPublishAsyncMaxPending(maxPending), jetstream.WithPublishAsyncTimeout(answerWait))
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	b := &Bus{nc: nc, js: js, names: names{prefix}, fetches: make(chan struct{}, fetchAtOnce),
		absences: absences{all: map[string]awayFor{}}, denials: hearDenials(nc, prefix)}
	b.reconnected()
	handler := nc.ReconnectHandler() // whoever made the connection may have one
	nc.SetReconnectHandler(func(nc *nats.Conn) {
		b.reconnected()
		if handler != nil {
			handler(nc)
		}
	})
	return b, nil
}

const (
	// maxPending bounds the messages under way of one connection; bytes are bounded where they are published.
	maxPending = 16 << 10
	// answerWait is how long the server may take to answer before it is asked again.
	answerWait = 10 * time.Second
	// hastyWait is answerWait for the first hastyTries to ask a cluster: the server that was asked may be dead, and another
	// has taken its place. What takes longer than that is asked for patiently after them.
	hastyWait  = 2 * time.Second
	hastyTries = 10
)

// Error codes of the server. From raw publishes the client's sentinels do not match the first two.
const (
	codeWrongSequence = 10071 // somebody else wrote first
	codeInFlight      = 10164 // somebody else, or an earlier try, is writing to a replicated stream; it may come to nothing
	codeNoLeader      = 10008
	codeNotLeader     = 10009
	codeNoPeers       = 10005 // too few servers for that many replicas
	codeNoReplicas    = 10074 // one server, no cluster
	codeNotReady      = 10163 // the stream's leader is new
)

// conflict reports whether the server refused a write because its expectation does not hold.
func conflict(err error) bool {
	var refusal *jetstream.APIError
	if !errors.As(err, &refusal) {
		return false
	}
	return refusal.ErrorCode == codeWrongSequence || refusal.ErrorCode == codeInFlight
}

// answered reports whether the server answered, be it with an error: silence (time-out, reconnect) proves nothing.
func answered(err error) bool {
	var refusal *jetstream.APIError
	if err == nil || errors.As(err, &refusal) {
		return true
	}
	for _, definite := range []error{
		jetstream.ErrMsgDeleteUnsuccessful, nats.ErrMaxPayload, nats.ErrBadSubject, mapreduce.ErrRunsLost, errGone,
	} {
		if errors.Is(err, definite) {
			return true
		}
	}
	return false
}

// busy reports whether the server refused for now only: its queue of a stream is full, the cluster or the stream has no
// leader, or another write is in flight and has yet to succeed or fail.
func busy(err error) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && (refusal.Code == 429 || slices.Contains(
		[]jetstream.ErrorCode{codeInFlight, codeNoLeader, codeNotLeader, codeNotReady}, refusal.ErrorCode))
}

// full reports whether the server refused because there is no room: disk, memory, or the limits of account or stream.
func full(err error) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && slices.Contains([]jetstream.ErrorCode{10002, 10023, 10028, 10047, 10077}, refusal.ErrorCode)
}

// ask calls until the server answers or ctx ends: a time-out is neither yes nor no. About is what the call sends, as so many tokens of a
// subject as tell it from others ("STREAM.INFO.X"): a server that denies it does not answer (denied.go).
func (b *Bus) ask(ctx context.Context, about string, call func(ctx context.Context) error) error {
	ctx, heard := b.denials.until(ctx, about)
	defer heard()
	pause := 10 * time.Millisecond
	for tried := 0; ; tried++ {
		try, cancel := context.WithTimeout(ctx, b.tryWait(tried))
		stop := context.AfterFunc(b.session(), cancel)
		err := call(try)
		stop()
		cancel()
		if full(err) {
			return fmt.Errorf("%w: %w", mapreduce.ErrNoRoom, b.withinLimits(ctx, err))
		}
		if answered(err) && !busy(err) || mapreduce.IsPermanent(err) {
			return b.withinLimits(ctx, err)
		}
		if ctx.Err() != nil || errors.Is(err, nats.ErrConnectionClosed) || wait(ctx, pause) != nil {
			return deniedOr(ctx, err)
		}
		if !isCode(err, codeInFlight) { // that takes a few milliseconds
			pause = min(2*pause, time.Second)
		}
	}
}

// tryWait is how long one of several tries waits for an answer.
func (b *Bus) tryWait(tried int) time.Duration {
	if tried < hastyTries && b.clustered() {
		return hastyWait
	}
	return answerWait
}

// session is a context that ends when the connection was lost and is back: what was asked before that, nobody will answer
// any more.
func (b *Bus) session() context.Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current
}

// sessionBegan is when the connection was made, or was last back.
func (b *Bus) sessionBegan() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since
}

// reconnected begins a session.
func (b *Bus) reconnected() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil {
		b.end()
	}
	b.current, b.end = context.WithCancel(context.Background())
	b.since = time.Now()
	b.denials.reconnected()
}

// wait waits, or returns ctx's error.
func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// put publishes v as JSON, and returns its sequence.
func (b *Bus) put(ctx context.Context, subject string, v any, opts ...jetstream.PublishOpt) (uint64, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return 0, fmt.Errorf("encode %s: %w", subject, err)
	}
	if len(data) > mapreduce.MaxMessage {
		return 0, mapreduce.Permanentf("publish %s: %d bytes, %d at most", subject, len(data), mapreduce.MaxMessage)
	}
	var seq uint64
	err = b.ask(ctx, subject, func(ctx context.Context) error {
		ack, err := b.js.Publish(ctx, subject, data, opts...)
		if err == nil {
			seq = ack.Sequence
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("publish %s: %w", subject, err)
	}
	return seq, nil
}

// create writes a key that must not exist. It reports whether it exists now because of this call, perhaps of an earlier
// try whose answer was lost: then found is what stands there, and the caller compares.
func (b *Bus) create(ctx context.Context, bucketName, k string, v any) (created bool, err error) {
	subject := key(bucketName, k)
	_, err = b.put(ctx, subject, v, jetstream.WithExpectLastSequencePerSubject(0))
	switch {
	case conflict(err):
		return false, nil
	case err != nil && answered(err) && !full(err):
		return false, mapreduce.Permanent(err) // the server's last word
	}
	return err == nil, err
}

// readTries is how often a key that was there a moment ago is looked for: half a second.
const readTries = 25

// read reads the JSON of a key that existed a moment ago. A replica that has not got it yet answers "not found": it is
// asked again, and then the key is gone (errGone). A key that is written once has no other stale answer.
func (b *Bus) read(ctx context.Context, bucketName, k string, v any) error {
	stream, err := b.stream(ctx, bucket(bucketName))
	if err != nil {
		return fmt.Errorf("read %s: %w", k, err)
	}
	for try := 1; ; try++ {
		var found *jetstream.RawStreamMsg
		err := b.ask(ctx, "GET."+bucket(bucketName), func(ctx context.Context) (err error) {
			found, err = stream.GetLastMsgForSubject(ctx, key(bucketName, k))
			return err
		})
		switch {
		case err == nil:
			return decode(k, found.Data, v)
		case errors.Is(err, jetstream.ErrMsgNotFound) && try == readTries:
			err = errGone
		case errors.Is(err, jetstream.ErrMsgNotFound):
			err = wait(ctx, 20*time.Millisecond)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", k, err)
		}
	}
}

// decode reads JSON that another process wrote.
func decode(name string, data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode %s: %w", name, err)
	}
	return nil
}

// isCode reports whether the server refused with this code.
func isCode(err error, code jetstream.ErrorCode) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && refusal.ErrorCode == code
}
