package tcp

import (
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

// call is a request that is out.
type call struct {
	due
	answer chan *message
	done   chan struct{} // closed when nobody waits for the answer, or needs it any more

	mu       sync.Mutex
	answered bool
	late     *time.Timer // nil: not yet set
}

// expire has something done when there is no answer in time.
func (c *call) expire(wait time.Duration, late func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.answered {
		c.late = time.AfterFunc(wait, late)
	}
}

// settle is that there is an answer, or will be none.
func (c *call) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered = true
	if c.late != nil {
		c.late.Stop()
	}
}

// tooLarge says what a reply is too large for.
func (c *call) tooLarge(err error) error {
	return nonsense{fmt.Errorf("reply to a request whose answer has about %d bytes: %w", c.bytes, err)}
}
