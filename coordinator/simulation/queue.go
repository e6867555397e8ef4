package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// queue is the work queue: a hint of what there is to do. It may lose, double and reorder; an ack, nak or term counts
// whoever sends it, however late.
type queue struct {
	w        *world
	last     uint64
	messages []*message // not settled, by sequence
}

type message struct {
	seq        uint64
	task       mapreduce.Task
	queued     time.Duration
	held       bool // by somebody, until the deadline
	deadline   time.Duration
	deliveries int
}

// ackWait is how long a delivery may stay without a sign of life.
const ackWait = 3 * time.Second

// publish puts a task into the queue.
func (q *queue) publish(task mapreduce.Task) uint64 {
	q.last++
	if q.w.chance(q.w.chaos.TaskLost) {
		q.w.tally.Losses++
		q.w.note("message %d (%s) is lost", q.last, task.ID)
		return q.last
	}
	q.messages = append(q.messages, &message{seq: q.last, task: task, queued: q.w.now})
	q.kick()
	return q.last
}

// pull hands out a message of a pool and class, or nil. The copy is the delivery: its receipt names it.
func (q *queue) pull(from poolClass) (m *message, receipt string) {
	var ready []*message
	for _, candidate := range q.messages {
		if !candidate.held && lineOf(candidate.task) == from && q.w.pullable(from) {
			ready = append(ready, candidate)
		}
	}
	if len(ready) == 0 {
		return nil, ""
	}
	m = ready[0]
	if q.w.chance(q.w.chaos.TaskReorders) {
		m = ready[q.w.rng.IntN(len(ready))]
	}
	m.deliveries++
	m.deadline = q.w.now + ackWait
	m.held = !q.w.chance(q.w.chaos.TaskDoubled)
	if !m.held {
		q.w.tally.Redelivered++
		q.w.note("message %d is delivered, and will be again", m.seq)
		q.kick()
	}
	return m, fmt.Sprintf("%d/%d", m.seq, m.deliveries)
}

// settle takes a message out: acked, termed or withdrawn.
func (q *queue) settle(seq uint64) {
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.seq == seq })
}

// extend is a sign of life from whoever holds the message.
func (q *queue) extend(seq uint64) {
	for _, m := range q.messages {
		if m.seq == seq {
			m.deadline = q.w.now + ackWait
		}
	}
}

// giveBack makes a held message ready again.
func (q *queue) giveBack(seq uint64) {
	for _, m := range q.messages {
		if m.seq == seq && m.held {
			m.held = false
			q.w.tally.Redelivered++
			q.kick()
		}
	}
}

// handOn gives back the message that a receipt names.
func (q *queue) handOn(receipt string) {
	number, _, _ := strings.Cut(receipt, "/")
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		q.w.violate("hand on %q: no such receipt", receipt)
	}
	q.giveBack(seq)
}

// expire gives back what is past its deadline.
func (q *queue) expire() bool {
	for _, m := range q.messages {
		if m.held && m.deadline < q.w.now {
			q.w.note("message %d (%s) is past its deadline", m.seq, m.task.ID)
			q.giveBack(m.seq)
		}
	}
	return true
}

// floor is the sequence up to which all messages of a pool and class are settled.
func (q *queue) floor(of poolClass) uint64 {
	for _, m := range q.messages {
		if lineOf(m.task) == of {
			return m.seq - 1
		}
	}
	return q.last
}

// delivered is the sequence up to which all messages of a pool and class have been handed out.
func (q *queue) delivered(of poolClass) uint64 {
	for _, m := range q.messages {
		if lineOf(m.task) == of && m.deliveries == 0 {
			return m.seq - 1
		}
	}
	return q.last
}

// kick lets the workers know that there is something to pull.
func (q *queue) kick() {
	for _, k := range q.w.workers {
		k.then(q.w.between(time.Millisecond, 20*time.Millisecond), k.pull)
	}
}
