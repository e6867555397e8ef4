package simulation

import (
	"slices"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// leader drives one State, as coordinator.Lead does: one event at a time, its commands in order, one at a time, then what
// followed from them, then the next event. Between any two commands it may crash or be paused.
type leader struct {
	w       *world
	epoch   mapreduce.Epoch
	state   *coordinator.State
	cursor  int // records of the commit log handed in
	barrier int // those that were there when it took over

	inbox    []mapreduce.Event
	followed []mapreduce.Event // from the commands of the event under way
	commands []coordinator.Command
	busy     bool // a command is under way
	paused   bool
	ended    bool

	known   map[mapreduce.TaskID]bool // commits that its state has taken in
	queued  map[mapreduce.TaskID]bool // tasks it has put into the queue
	members map[mapreduce.WorkerID]bool
}

// elect brings a new leader after a while.
func (w *world) elect(delay time.Duration) {
	if w.electing {
		return
	}
	w.electing = true
	w.after(delay, func() {
		w.electing = false
		w.lead()
	})
}

// lead makes a leader: it wins the epoch, reads all records up to its barrier, and goes on.
func (w *world) lead() {
	w.bus.epoch++
	w.tally.Leaders++
	l := &leader{
		w: w, epoch: w.bus.epoch, barrier: len(w.bus.log), known: map[mapreduce.TaskID]bool{},
		queued: map[mapreduce.TaskID]bool{}, members: map[mapreduce.WorkerID]bool{},
	}
	l.state = coordinator.NewState(coordinator.Config{
		Epoch: l.epoch, Class: class, MinWindow: w.scale.window, RosterInline: w.scale.inline,
	})
	w.leaders = append(w.leaders, l)
	w.note("epoch %d begins: %d records, %d commits", l.epoch, len(w.bus.records), l.barrier)
	l.replay()
	w.every(250*time.Millisecond, l.tick)
	w.every(time.Second, l.look)
	w.offer()
	l.pump()
}

// replay hands in all records. Those of the commit log that come later, come as they are watched.
func (l *leader) replay() {
	for _, r := range l.w.bus.records {
		l.inbox = append(l.inbox, mapreduce.Restored{Record: l.w.bus.carried(r.Record)})
	}
	l.cursor = l.barrier
	if l.w.config.Bug == ShortReplay {
		l.cursor /= 2
	}
	l.inbox = append(l.inbox, l.w.bus.log[:l.cursor]...)
	l.inbox = append(l.inbox, mapreduce.Replayed{})
}

// hear hands in the commit log up to index. A watch that was cut and begins again may repeat itself.
func (l *leader) hear(index int) {
	if l.w.chance(l.w.chaos.WatchDoubled) {
		l.cursor = max(0, l.cursor-1-l.w.rng.IntN(5))
	}
	for ; l.cursor <= index; l.cursor++ {
		l.take(l.w.bus.log[l.cursor])
	}
}

// take queues an event.
func (l *leader) take(event mapreduce.Event) {
	if !l.ended {
		l.inbox = append(l.inbox, event)
		l.pump()
	}
}

// pump does what there is to do, until a command takes time.
func (l *leader) pump() {
	for !l.busy && !l.paused && !l.ended && l.w.violation == nil {
		switch {
		case len(l.commands) > 0:
			l.busy = true
			l.w.after(l.latency(), l.perform)
		case len(l.followed) > 0:
			next := l.followed[0]
			l.followed = l.followed[1:]
			l.step(next)
		case len(l.inbox) > 0:
			next := l.inbox[0]
			l.inbox = l.inbox[1:]
			l.step(next)
		default:
			return
		}
	}
}

// latency is how long the next command takes. A word to users takes none.
func (l *leader) latency() time.Duration {
	switch l.commands[0].(type) {
	case coordinator.Tell, coordinator.Answer, coordinator.Reject:
		return 0
	}
	if l.w.chance(l.w.chaos.BusSlow) {
		return l.w.between(0, time.Second)
	}
	return l.w.between(100*time.Microsecond, 3*time.Millisecond)
}

func (l *leader) step(event mapreduce.Event) {
	l.w.tally.Steps++
	switch e := event.(type) {
	case mapreduce.Commit:
		l.known[e.Task] = true
	case mapreduce.Beat:
		l.members[e.Worker] = true
	}
	l.commands = l.decide(event)
	if l.w.config.Bug == EarlyAccept {
		slices.SortStableFunc(l.commands, acceptFirst)
	}
	if len(l.commands) > 0 {
		l.w.note("epoch %d: %T: %v", l.epoch, event, shown(l.commands))
	}
}

// decide asks the state machine. That it must not panic, is one of the promises.
func (l *leader) decide(event mapreduce.Event) []coordinator.Command {
	defer func() {
		if cause := recover(); cause != nil {
			l.w.violate("epoch %d: step on %T panics: %v", l.epoch, event, cause)
		}
	}()
	return l.state.Step(l.w.date(), event)
}

// perform carries out the command under way.
func (l *leader) perform() {
	switch {
	case l.ended:
		return
	case l.paused && l.w.rng.IntN(2) == 0: // put off; else it was on the wire already
		l.busy = false
		return
	}
	command := l.commands[0]
	l.commands = l.commands[1:]
	l.busy = false
	l.do(command)
	if l.w.chance(l.w.chaos.LeaderCrashes) && !l.ended {
		l.crash()
	}
	l.pump()
}

// tick is the leader's own clock; it also decides whether the leader is paused.
func (l *leader) tick() bool {
	if !l.paused && !l.ended {
		l.take(mapreduce.Tick{})
		if l.w.chance(l.w.chaos.LeaderPauses) && !l.ended {
			l.pause()
		}
	}
	return !l.ended
}

// look asks what the queue has settled. The answer may come late.
func (l *leader) look() bool {
	if l.w.config.Bug == SilentQueue {
		return false
	}
	for _, c := range []mapreduce.Class{mapreduce.IO, class} {
		seen := mapreduce.QueueSeen{Class: c, Settled: l.w.queue.floor(c)}
		delay := l.w.between(0, 3*time.Millisecond)
		if l.w.chance(l.w.chaos.BusSlow) {
			delay += l.w.between(0, time.Second)
		}
		l.w.after(delay, func() { l.take(seen) })
	}
	return !l.ended
}
