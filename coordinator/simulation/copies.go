package simulation

import (
	"slices"

	"jetreduce/mapreduce"
)

// checkCopy checks that a task is queued once more only for others than whoever runs it, and one at a time: there are
// never ten slots or more, and a tenth of those that run may be.
func (l *leader) checkCopy(task mapreduce.Task) {
	l.w.tally.Speculated++
	if len(task.Avoid) == 0 {
		l.w.violate("epoch %d queues %s once more, for anybody", l.epoch, task.ID)
	}
	for _, m := range l.w.queue.messages {
		other := m.task
		if other.Speculative && other.Epoch == l.epoch && lineOf(other) == lineOf(task) && !l.known[other.ID] && !l.w.troubled(other.ID) {
			l.w.violate("epoch %d queues %s once more, and %s is still there twice", l.epoch, task.ID, other.ID)
		}
	}
}

// troubled reports whether an attempt of the task has failed or its job is over: then a leader may have let go of it.
func (w *world) troubled(id mapreduce.TaskID) bool {
	for key := range w.bus.failures {
		if key.task == id {
			return true
		}
	}
	return w.over(id.UID)
}

// copies are the second messages of tasks that a leader has queued.
type copies struct {
	of   map[mapreduce.TaskID]uint64 // their sequences
	lost []uint64                    // of those whose task is settled, as far as the leader knows: it must have called them off
}

// settled notes that the leader knows a task's end, or a failure of it for which it is queued anew.
func (c *copies) settled(id mapreduce.TaskID) {
	if seq, copied := c.of[id]; copied {
		delete(c.of, id)
		c.lost = append(c.lost, seq)
	}
}

// checkCopies checks, before a leader takes in the next event, that nothing is left of copies whose task is settled.
func (l *leader) checkCopies() {
	for _, m := range l.w.queue.messages {
		if slices.Contains(l.copies.lost, m.seq) {
			l.w.violate("epoch %d leaves %s in the queue once more, which is settled", l.epoch, m.task.ID)
		}
	}
	l.copies.lost = nil
}

// checkDismiss checks that workers are told that something is over only when it is.
func (l *leader) checkDismiss(over mapreduce.Over) {
	switch {
	case over.Task == nil && !l.w.final(over.UID):
		l.w.violate("epoch %d dismisses all who work for %s, which is not over", l.epoch, over.UID)
	case over.Task != nil && !l.known[*over.Task] && !l.w.final(over.UID):
		l.w.violate("epoch %d dismisses who works on %s, and does not know that it is committed", l.epoch, over.Task)
	}
}
