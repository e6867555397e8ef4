package scale

import (
	"time"

	"jetreduce/mapreduce"
)

// queue is the work queue of the model: first in, first out, for each class.
type queue struct {
	last     uint64
	messages map[uint64]*message // not settled
	lines    map[mapreduce.Class]*line
}

// line is the messages of one class, and the slots that wait for one.
type line struct {
	all   []uint64 // in order; some settled
	ready []uint64 // to be handed out
	free  []place
}

// place is a slot of one life of a worker.
type place struct {
	worker *worker
	life   uint64
}

type message struct {
	task     mapreduce.Task
	attempt  mapreduce.Attempt // of whoever has it
	by       *worker           // its worker, or nil
	since    time.Duration
	until    time.Duration // it works so long
	handedOn bool
}

func newQueue() *queue {
	return &queue{
		messages: map[uint64]*message{},
		lines:    map[mapreduce.Class]*line{class: {}, mapreduce.IO: {}},
	}
}

func (q *queue) publish(task mapreduce.Task) uint64 {
	q.last++
	q.messages[q.last] = &message{task: task}
	l := q.lines[task.Class]
	l.all, l.ready = append(l.all, q.last), append(l.ready, q.last)
	return q.last
}

// handOn makes a message ready again, if it is there.
func (q *queue) handOn(seq uint64) {
	if m := q.messages[seq]; m != nil {
		m.handedOn, m.by = true, nil
		l := q.lines[m.task.Class]
		l.ready = append(l.ready, seq)
	}
}

// settled is the sequence up to which all of a class is.
func (q *queue) settled(l *line) uint64 {
	for len(l.all) > 0 && q.messages[l.all[0]] == nil {
		l.all = l.all[1:]
	}
	if len(l.all) == 0 {
		return q.last
	}
	return l.all[0] - 1
}

// delivered is the sequence up to which all of a class has been handed out at least once.
func (q *queue) delivered(l *line) uint64 {
	for _, seq := range l.ready {
		if m := q.messages[seq]; m != nil && !m.handedOn {
			return seq - 1
		}
	}
	return q.last
}

// match takes the next message and the next slot of a living worker, if there are both.
func (q *queue) match(l *line) (seq uint64, to *worker) {
	for len(l.ready) > 0 && q.messages[l.ready[0]] == nil {
		l.ready = l.ready[1:]
	}
	for len(l.free) > 0 && l.free[0].life != l.free[0].worker.life {
		l.free = l.free[1:]
	}
	if len(l.ready) == 0 || len(l.free) == 0 {
		return 0, nil
	}
	seq, to = l.ready[0], l.free[0].worker
	l.ready, l.free = l.ready[1:], l.free[1:]
	return seq, to
}
