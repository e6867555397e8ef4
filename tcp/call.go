package tcp

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// due is what is asked of a peer: what has more than that is no right reply, and is not waited for.
type due struct {
	task  string
	bytes int // a right reply has about so many, as Python writes it
	pairs int // and so many pairs at most
}

// Others may write otherwise than Python does, and a peer that is only a little wrong is to hear where.
const (
	mostTimes  = 4
	sparePairs = 1 << 10
)

// limit is the most bytes that a reply may have.
func (d due) limit() int { return min(MaxFrame, smallMost+mostTimes*d.bytes) }

// tooLarge says what a reply is too large for.
func (d due) tooLarge(err error) error {
	return nonsense{fmt.Errorf("reply to a request whose answer has about %d bytes: %w", d.bytes, err)}
}

// question is a request, what a right reply to it has, and what is to be done with a reply, of which nothing may be kept.
type question struct {
	request func(dst []byte) []byte
	due
	use func(*message) error
}

// one is a question and no more.
func one(q *question) func() (*question, error) {
	return func() (*question, error) {
		now := q
		q = nil
		return now, nil
	}
}

// call is questions to a peer, each of which is thought of when the one before it has been answered; whoever hears the reply does so, and
// does not wake up whoever waits for the last.
type call struct {
	ctx  context.Context
	next func() (*question, error) // nil: that was all
	over chan error                // holds how it ended

	now    *question     // is out
	within time.Duration // in which there must be a reply

	mu   sync.Mutex // of whoever calls next or uses a reply
	left bool       // nobody waits any more
}

// leave is that nobody waits: nothing of this call is being done any more, nor will be.
func (c *call) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
}
