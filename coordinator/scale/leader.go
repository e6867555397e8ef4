package scale

import (
	"fmt"
	"slices"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// leader feeds the real state machine, one event after another, and carries out what it commands.
type leader struct {
	w        *world
	state    *coordinator.State
	inbox    []mapreduce.Event
	due      bool // a tick: one that was busy has lived through one, not many
	busy     bool // with a command
	ended    bool
	meter    meter
	commands map[string]int
	texts    texts
}

func newLeader(w *world) *leader {
	return &leader{
		w: w, state: coordinator.NewState(coordinator.Config{Epoch: 1, Class: class}), meter: newMeter(),
		commands: map[string]int{}, texts: texts{},
	}
}

// take hands in an event as soon as the leader is free.
func (l *leader) take(event mapreduce.Event) {
	l.inbox = append(l.inbox, event)
	l.w.result.Behind = max(l.w.result.Behind, len(l.inbox))
	l.pump()
}

// news hands in a record.
func (l *leader) news(event mapreduce.Event) {
	l.w.result.Messages.Records++
	l.take(event)
}

// tick hands in a tick as soon as the leader is free, past all that waits.
func (l *leader) tick() {
	l.due = true
	l.pump()
}

func (l *leader) look() {
	q := l.w.queue
	for _, c := range []mapreduce.Class{mapreduce.IO, class} {
		l.take(mapreduce.QueueSeen{Class: c, Settled: q.settled(q.lines[c]), Delivered: q.delivered(q.lines[c])})
	}
}

// pump does what there is to do, until a command takes time.
func (l *leader) pump() {
	for !l.busy && !l.ended && (l.due || len(l.inbox) > 0) {
		if took := l.step(l.next()); took > 0 {
			l.busy = true
			l.w.after(took, pump, nil, 0)
		}
	}
}

func (l *leader) next() mapreduce.Event {
	if l.due {
		l.due = false
		return mapreduce.Tick{}
	}
	event := l.inbox[0]
	if l.inbox = l.inbox[1:]; len(l.inbox) == 0 {
		l.inbox = nil
	}
	return event
}

// step takes in an event and those that follow at once, and returns for how long the leader waits for the bus.
func (l *leader) step(event mapreduce.Event) (took time.Duration) {
	events := []mapreduce.Event{event}
	for len(events) > 0 {
		next := events[0]
		events = events[1:]
		l.texts.event(next)
		for _, command := range l.meter.step(l.state, l.w.date(), next) {
			l.commands[fmt.Sprintf("%T", command)[len("coordinator."):]]++
			followed, trip := l.do(command)
			events, took = append(events, followed...), took+trip
		}
	}
	return took
}

// do carries out a command, and returns what follows and how long it takes.
func (l *leader) do(command coordinator.Command) (followed []mapreduce.Event, took time.Duration) {
	bus := l.w.config.Bus
	switch c := command.(type) {
	case coordinator.Enqueue:
		return l.enqueue(c.Tasks), bus.Trip + time.Duration(len(c.Tasks)-1)*bus.Each
	case coordinator.Withdraw:
		for _, seq := range c.Seqs {
			l.w.end(seq)
		}
		return nil, time.Duration(len(c.Seqs)) * bus.Trip
	case coordinator.HandOn:
		l.w.queue.handOn(sequence(c.Receipt))
		l.w.serveSoon()
	case coordinator.Tell:
		l.w.result.Messages.Told++
		l.w.result.Reduces = c.Status.Reduces.Total
		l.ended = c.Status.State.Final()
	case coordinator.Dismiss, coordinator.Answer, coordinator.Reject: // said, and not waited for
	case coordinator.StoreRoster:
		l.w.result.RosterBytes += len(slices.Concat(c.Chunks...))
		return nil, time.Duration(len(c.Chunks)) * bus.Trip
	default:
		return l.note(command), bus.Trip
	}
	return nil, 0
}

// note carries out a command that leaves a record, or something else on the bus; the answer is waited for.
func (l *leader) note(command coordinator.Command) (followed []mapreduce.Event) {
	switch c := command.(type) {
	case coordinator.WriteRecord:
		l.w.result.Messages.Records++
	case coordinator.WriteFailure:
		l.w.result.Messages.Records++
		return []mapreduce.Event{c.Failure}
	case coordinator.WriteEnd:
		l.w.result.Messages.Records++
		return []mapreduce.Event{c.End}
	}
	return nil
}

func (l *leader) enqueue(tasks []mapreduce.Task) (followed []mapreduce.Event) {
	l.w.serveSoon()
	l.texts.add("Task", tasks[0], new(mapreduce.Task))
	for _, task := range tasks {
		seq := l.w.queue.publish(task)
		followed = append(followed, mapreduce.TaskQueued{Task: task.ID, Round: task.Round, Seq: seq})
	}
	l.w.result.Messages.Queued += len(tasks)
	return followed
}

// sum puts what was measured into the result.
func (l *leader) sum(r *Result) {
	r.Kinds, r.Commands = l.meter.kinds, l.commands
	r.Texts = map[string]Text{}
	for what, of := range l.texts {
		r.Texts[what] = *of
	}
}
