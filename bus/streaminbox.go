package bus

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// pullState is how it stands with the pull that is under way.
type pullState int

const (
	pullOver   pullState = iota // there is none; more can be asked for
	pullActive                  // more is on its way
	pullEmpty                   // the last one found nothing, be it for now
	pullBroken                  // a message was lost on its way, or the consumer is gone
)

// pullInbox receives what one consumer sends, one pull after the other.
//
//	begin ─▶ message … message ─▶ as many as were asked for, or as many bytes, or a status ─▶ begin
type pullInbox struct {
	bus     *Bus
	sub     *nats.Subscription
	prefix  string
	session context.Context
	news    chan struct{} // holds one when there is something to take

	mu      sync.Mutex
	state   pullState
	pull    int      // number of the pull
	left    int      // messages that it may still bring
	room    int      // bytes that it may still bring
	bounded bool     // room counts
	brought int      // messages of this pull
	big     bool     // it brought none, since the next message has no room
	last    uint64   // number of the last message that the consumer sent
	queue   []stored // those not taken
	closed  bool
}

func newPullInbox(b *Bus, session context.Context) (*pullInbox, error) {
	i := &pullInbox{bus: b, prefix: b.nc.NewInbox() + ".", session: session, news: make(chan struct{}, 1)}
	var err error
	if i.sub, err = b.nc.Subscribe(i.prefix+"*", i.receive); err != nil {
		return nil, err
	}
	// What is under way is bounded by what was asked for.
	return i, i.sub.SetPendingLimits(-1, -1)
}

// begin notes that a pull is under way, which holds one of the connection's fetches, and returns where it is to be answered.
func (i *pullInbox) begin(messages, bytes int) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.pull++
	i.state, i.left, i.room, i.bounded, i.brought, i.big = pullActive, messages, bytes, bytes > 0, 0, false
	return i.prefix + strconv.Itoa(i.pull)
}

// over notes how the pull ended. Call it with the lock held.
func (i *pullInbox) over(state pullState) {
	if i.state == pullActive {
		<-i.bus.fetches
	}
	i.state = state
}

// take gives what has come, and how it stands. What comes next goes where the caller needs nothing any more.
func (i *pullInbox) take(spare []stored) ([]stored, pullState) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found := i.queue
	i.queue = spare
	return found, i.state
}

// tooBig reports whether the next message has no room in a pull.
func (i *pullInbox) tooBig() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.big
}

func (i *pullInbox) close() {
	i.mu.Lock()
	i.over(pullBroken)
	i.closed, i.queue = true, nil
	i.mu.Unlock()
	_ = i.sub.Unsubscribe()
}

// receive takes in a message or a status.
func (i *pullInbox) receive(msg *nats.Msg) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || i.state == pullBroken {
		return
	}
	if msg.Reply == "" {
		i.status(msg)
	} else {
		i.message(msg)
	}
	if i.state == pullActive && len(i.queue) == 0 {
		return
	}
	select {
	case i.news <- struct{}{}:
	default:
	}
}

func (i *pullInbox) message(msg *nats.Msg) {
	seq, number, at, known := readDelivery(msg.Reply)
	if !known || number != i.last+1 {
		i.over(pullBroken)
		return
	}
	i.last = number
	i.queue = append(i.queue, stored{seq: seq, time: at, subject: msg.Subject, header: msg.Header, data: msg.Data, size: msg.Size()})
	i.brought++
	i.left--
	i.room -= msg.Size()
	if i.left == 0 || i.bounded && i.room <= 0 {
		i.over(pullOver)
	}
}

// status takes in what ends a pull before it brought all that it might. One of an earlier pull comes late and says nothing new.
func (i *pullInbox) status(msg *nats.Msg) {
	if msg.Subject != i.prefix+strconv.Itoa(i.pull) || i.state != pullActive {
		return
	}
	code, description := msg.Header.Get("Status"), msg.Header.Get("Description")
	switch {
	case code == "409" && strings.Contains(description, "MaxBytes"):
		i.big = i.brought == 0
		i.over(pullOver)
	case code == "404" || code == "408":
		i.over(pullEmpty)
	case code == "100": // a heartbeat
	default: // its consumer or its server is gone, or nobody answers
		i.over(pullBroken)
	}
}

// readDelivery reads where an answer would go, which says what is delivered:
//
//	$JS.ACK.stream.consumer.deliveries.sequence.number.time.pending
//	$JS.ACK.domain.account.stream.consumer.deliveries.sequence.number.time.pending…
func readDelivery(reply string) (seq, number uint64, at int64, known bool) {
	first := 5
	if strings.Count(reply, ".") >= 10 {
		first = 7
	}
	var said [3]uint64
	for n := range first + len(said) {
		token, rest, more := strings.Cut(reply, ".")
		if !more {
			return 0, 0, 0, false
		}
		if n >= first {
			value, err := strconv.ParseUint(token, 10, 64)
			if err != nil {
				return 0, 0, 0, false
			}
			said[n-first] = value
		}
		reply = rest
	}
	return said[0], said[1], int64(said[2]), true
}
