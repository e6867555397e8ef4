package simulation

import (
	"slices"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// leader drives one State, as coordinator.Replica does: one event at a time, its commands in order, one at a time, then
// what followed from them, then the next event. Between any two commands it may crash or be paused. A standby is a leader
// that follows: it takes in events, and does nothing about them.
type leader struct {
	w         *world
	epoch     mapreduce.Epoch
	state     *coordinator.State
	following bool
	cursors   [2]int        // records handed in, of the state bucket and of the commit log
	barriers  [2]int        // those to be handed in before it leads
	barrier   int           // commits that were there when it took over
	began     time.Duration // to lead

	inbox    []mapreduce.Event
	followed []mapreduce.Event // from the commands of the event under way
	commands []coordinator.Command
	busy     bool // a command is under way
	paused   bool
	ended    bool

	known   map[mapreduce.TaskID]bool // commits that its state has taken in
	queued  map[mapreduce.TaskID]bool // tasks it has put into the queue
	failed  map[failureKey]bool       // attempts that its state knows to have failed
	heard   map[failureKey]bool       // attempts of whose failure or loss it knows
	copies  copies
	members map[mapreduce.WorkerID]bool
}

func (w *world) coordinator() *leader {
	return &leader{
		w: w, known: map[mapreduce.TaskID]bool{}, failed: map[failureKey]bool{}, heard: map[failureKey]bool{},
		queued: map[mapreduce.TaskID]bool{}, members: map[mapreduce.WorkerID]bool{}, copies: copies{of: map[mapreduce.TaskID]uint64{}},
		state: coordinator.NewState(coordinator.Config{
			Class: class, MinWindow: w.scale.window, MaxWindow: w.scale.window, RosterInline: w.scale.inline, SweepEvery: 5 * time.Second,
			MaxRepairs: w.scale.repairs, Refill: w.scale.refill, Portion: w.scale.portion, Deserted: time.Second,
			Keep: w.kept.keep, KeepJobs: w.kept.jobs, KeepResults: w.kept.results, KeepAtLeast: time.Second,
			Remember: w.kept.remember, RetainEvery: time.Second,
		}),
	}
}

// standBy begins to follow the records, unless somebody does.
func (w *world) standBy() bool {
	if w.standby != nil || !w.scale.standbys {
		return w.scale.standbys
	}
	l := w.coordinator()
	l.following, w.standby = true, l
	w.note("a standby follows: %d records, %d commits", len(w.bus.records), len(w.bus.log))
	l.catchUp(len(w.bus.records), len(w.bus.log))
	w.every(250*time.Millisecond, l.tick)
	return true
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

// lead makes a leader, of the standby if there is one: it wins the epoch, reads all records up to its barriers, and goes
// on.
func (w *world) lead() {
	w.bus.epoch++
	w.tally.Leaders++
	l := w.standby
	if l == nil || l.paused {
		l = w.coordinator()
		w.every(250*time.Millisecond, l.tick)
	} else {
		w.standby = nil
		w.tally.Warm++
	}
	l.epoch, l.barrier, l.began = w.bus.epoch, len(w.bus.log), w.now
	w.leaders = append(w.leaders, l)
	w.note("epoch %d begins, warm %t: %d records, %d commits", l.epoch, l.following, len(w.bus.records), l.barrier)
	l.replay()
	w.every(time.Second, l.look)
	w.after(w.between(0, time.Second), func() { w.offer() })
	l.pump()
}

// replay hands in all records up to the barriers: those of the commit log that come later, come as they are watched.
func (l *leader) replay() {
	l.state.TakeOver(l.epoch)
	l.barriers = [2]int{len(l.w.bus.records), l.barrier}
	if l.w.config.Bug == ShortReplay {
		l.barriers[1] /= 2
	}
	l.catchUp(l.barriers[0], l.barriers[1])
	l.following = false
	l.take(mapreduce.Replayed{})
}

// catchUp hands in so many records of the two buckets: each bucket's in order, and the two in any; one may be far ahead.
func (l *leader) catchUp(records, commits int) {
	share := l.w.rng.IntN(11)
	for l.cursors[0] < records || l.cursors[1] < commits {
		if l.cursors[1] >= commits || l.cursors[0] < records && l.w.rng.IntN(10) < share {
			l.hearState(l.cursors[0])
		} else {
			l.hear(l.cursors[1])
		}
	}
}

// hearState hands in the state bucket up to index.
func (l *leader) hearState(index int) {
	for ; l.cursors[0] <= index; l.cursors[0]++ {
		if r := l.w.bus.records[l.cursors[0]]; !r.gone {
			l.take(mapreduce.Restored{Record: r.Record})
		}
	}
}

// hear hands in the commit log up to index. A watch that was cut and begins again may repeat itself.
func (l *leader) hear(index int) {
	if index = max(index, l.cursors[1]-1); l.w.chance(l.w.chaos.WatchDoubled) {
		l.cursors[1] = max(0, l.cursors[1]-1-l.w.rng.IntN(5))
	}
	for ; l.cursors[1] <= index; l.cursors[1]++ {
		if e := l.w.bus.log[l.cursors[1]]; !e.gone {
			l.take(e.event)
		}
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
	case coordinator.Tell, coordinator.Answer, coordinator.Reject, coordinator.Dismiss:
		return 0
	}
	if l.w.chance(l.w.chaos.BusSlow) {
		return l.w.between(0, time.Second)
	}
	return l.w.between(100*time.Microsecond, 3*time.Millisecond)
}

func (l *leader) step(event mapreduce.Event) {
	l.w.tally.Steps++
	l.checkCopies()
	switch e := event.(type) {
	case mapreduce.Commit:
		l.known[e.Task] = true
		l.copies.settled(e.Task)
	case mapreduce.Failure:
		l.learn(e)
	case mapreduce.Beat:
		l.members[e.Worker] = true
	}
	l.commands = l.w.staged(l.decide(event))
	l.checkBuried(l.commands)
	if l.following && len(l.commands) > 0 {
		l.w.violate("a standby commands %v", shown(l.commands))
	}
	if l.w.config.Bug == EarlyAccept {
		slices.SortStableFunc(l.commands, acceptFirst)
	}
	if _, ticks := event.(mapreduce.Tick); len(l.commands) > 1 || len(l.commands) > 0 && !ticks {
		l.w.note("epoch %d: %T: %v", l.epoch, event, shown(l.commands))
	}
}

// learn notes what the leader knows of a failure. Records may come again.
func (l *leader) learn(f mapreduce.Failure) {
	key := failureKey{f.Task, f.Attempt}
	if again := l.heard[key]; !f.Lost && !again { // it has left the queue
		l.copies.settled(f.Task)
		delete(l.queued, f.Task)
	}
	l.heard[key] = true
	if !f.Lost && !f.Laneless && !f.Absent {
		l.failed[key] = true
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
	if linking(command) && !l.ended && l.w.chance(10*l.w.chaos.LeaderPauses) {
		l.pause()
	}
	if l.w.chance(l.w.chaos.LeaderCrashes) && !l.ended {
		l.crash()
	}
	l.pump()
}

// tick is the leader's own clock; it also decides whether the leader is paused.
func (l *leader) tick() bool {
	if !l.paused && !l.ended {
		l.take(mapreduce.Tick{})
		switch {
		case l.ended:
		case l.following:
			l.falter()
		case l.w.chance(l.w.chaos.LeaderPauses):
			l.pause()
		case l.w.chance(l.w.chaos.LeaseLost):
			l.loseLease()
		}
	}
	return !l.ended
}

// falter decides whether a standby crashes, or is paused for a while: then it hears nothing, and somebody else takes over.
func (l *leader) falter() {
	switch {
	case l.w.chance(l.w.chaos.StandbyCrashes):
		l.w.standby, l.ended = nil, true
	case l.w.chance(l.w.chaos.StandbyPauses):
		l.paused = true
		l.w.after(l.w.between(300*time.Millisecond, 8*time.Second), func() {
			l.paused = false
			l.pump()
		})
	}
}

// look asks what the queue has settled. The answer may come late.
func (l *leader) look() bool {
	if l.w.config.Bug == SilentQueue {
		return false
	}
	for _, of := range l.w.lines() {
		seen := mapreduce.QueueSeen{Pool: of.pool, Class: of.class, Settled: l.w.queue.floor(of), Delivered: l.w.queue.delivered(of)}
		delay := l.w.between(0, 3*time.Millisecond)
		if l.w.chance(l.w.chaos.BusSlow) {
			delay += l.w.between(0, time.Second)
		}
		l.w.after(delay, func() { l.take(seen) })
	}
	return !l.ended
}
