package simulation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// crash ends a leader between two commands. Somebody else takes over.
func (l *leader) crash() {
	l.w.note("epoch %d crashes with %d commands to do", l.epoch, len(l.commands))
	if l.current() {
		l.w.elect(l.w.between(300*time.Millisecond, 3*time.Second))
	}
	l.end()
}

// end takes the leader out of the world.
func (l *leader) end() {
	l.ended, l.commands, l.inbox, l.followed = true, nil, nil, nil
	l.w.leaders = slices.DeleteFunc(l.w.leaders, func(other *leader) bool { return l == other })
}

// pause stops a leader for a while. If it is long enough, another leads when it goes on: then its writes are refused, or
// the loss of its lease ends it a little later, whichever comes first.
func (l *leader) pause() {
	l.w.note("epoch %d is paused with %d commands to do", l.epoch, len(l.commands))
	l.w.tally.Pauses++
	l.paused = true
	l.w.after(time.Second, func() {
		if l.paused && !l.ended && l.current() {
			l.w.elect(l.w.between(0, 500*time.Millisecond))
		}
	})
	l.w.after(l.w.between(500*time.Millisecond, 10*time.Second), l.revive)
}

func (l *leader) revive() {
	l.w.note("epoch %d goes on with %d commands to do", l.epoch, len(l.commands))
	l.paused = false
	l.noticeLater()
	l.pump()
}

// loseLease lets the lease of a leader expire that lives and goes on: another takes over beside it.
func (l *leader) loseLease() {
	if !l.current() {
		return
	}
	l.w.note("epoch %d loses its lease", l.epoch)
	l.w.tally.Leases++
	l.w.elect(l.w.between(0, 300*time.Millisecond))
	l.noticeLater()
}

// noticeLater ends a leader whose lease is another's, when it next looks.
func (l *leader) noticeLater() {
	l.w.every(l.w.between(50*time.Millisecond, time.Second), func() bool {
		if !l.ended && !l.current() {
			l.w.note("epoch %d finds its lease gone", l.epoch)
			l.end()
		}
		return !l.ended
	})
}

// current reports whether the leader's epoch stands.
func (l *leader) current() bool { return l.epoch == l.w.bus.epoch }

// deposed ends a leader whose write was refused.
func (l *leader) deposed() {
	l.w.note("epoch %d is deposed", l.epoch)
	l.end()
}

// do carries out a command against the model.
func (l *leader) do(command coordinator.Command) {
	switch c := command.(type) {
	case coordinator.WriteRecord:
		l.checkFailing(c.Record)
		l.checkAwaited(c.Record)
		if errors.Is(l.w.bus.write(l.epoch, c.Record), mapreduce.ErrDeposed) {
			l.deposed()
		}
	case coordinator.WriteFailure:
		l.w.bus.fail(c.Failure)
	case coordinator.WriteEnd:
		l.w.bus.end(c.End)
	case coordinator.Accept:
		l.w.accept(c.Seq)
	case coordinator.Enqueue:
		l.enqueue(c.Tasks)
	case coordinator.HandOn:
		l.w.queue.handOn(c.Receipt)
	case coordinator.Withdraw:
		l.w.tally.Withdrawn += len(c.Seqs)
		for _, seq := range c.Seqs {
			l.w.queue.settle(seq)
		}
	default:
		l.store(command)
	}
}

// store carries out what concerns storage.
func (l *leader) store(command coordinator.Command) {
	switch c := command.(type) {
	case coordinator.MakeLanes:
		switch {
		case len(c.Lanes) == 0:
			l.w.violate("epoch %d makes no lanes", l.epoch)
		case !l.refuses(c.Lanes[0].UID, lanesRefused):
			l.make(c.Lanes)
		}
	case coordinator.DropLanes:
		for _, gone := range c.Lanes {
			l.w.drop(gone)
		}
	case coordinator.SweepLanes:
		for of := range l.w.lanes {
			if c.Ended[of.UID] {
				l.w.drop(of)
			}
		}
	case coordinator.StoreRoster:
		if !l.refuses(c.Task.UID, busMoody) {
			l.w.bus.rosters[c.Task] = c.Chunks
		}
	default:
		if !l.w.bus.forget(command) && !l.linkOrUnlink(command) && !l.uploading(command) && !l.openOrClose(command) && !l.erase(command) {
			l.say(command)
		}
	}
}

func (w *world) drop(gone mapreduce.Lane) {
	w.checkDrop(gone)
	delete(w.lanes, gone)
}

// say carries out what is said to users and workers.
func (l *leader) say(command coordinator.Command) {
	switch c := command.(type) {
	case coordinator.Reject:
		l.w.rejected(c)
	case coordinator.Tell:
		l.w.checkStatus(c.Status)
	case coordinator.Answer:
		l.confirm(c)
	case coordinator.KeepTimeline:
		l.w.checkTimeline(c.Timeline)
	case coordinator.DropTimeline: // of a picture that nobody reads here
	case coordinator.Dismiss:
		l.checkDismiss(c.Over)
		l.w.dismiss(c.Over)
	default:
		l.w.violate("epoch %d: no way to carry out %T", l.epoch, command)
	}
}

// refuses reports whether the bus refuses a command of the job, and lets the state know.
func (l *leader) refuses(uid mapreduce.UID, because fate) bool {
	in := l.w.input(uid)
	refused := in.fate == lanesRefused && because == lanesRefused ||
		in.fate == busMoody && l.w.chance(l.w.chaos.BusRefuses)
	if refused {
		l.w.bus.refused[uid] = true
		l.w.note("epoch %d: refused for %s", l.epoch, uid)
		l.followed = append(l.followed, mapreduce.Refused{UID: uid, Reason: "the bus has no room"})
	}
	return refused
}

func (l *leader) enqueue(tasks []mapreduce.Task) {
	l.checkEnqueue(tasks)
	if l.refuses(tasks[0].ID.UID, busMoody) {
		return
	}
	for _, task := range tasks {
		seq := l.w.queue.publish(task)
		if task.Speculative {
			l.copies.of[task.ID] = seq
		}
		l.followed = append(l.followed, mapreduce.TaskQueued{Task: task.ID, Round: task.Round, Seq: seq})
	}
}

// acceptFirst orders a settled submission before all else: the planted bug.
func acceptFirst(a, b coordinator.Command) int {
	return rank(a) - rank(b)
}

func rank(c coordinator.Command) int {
	if _, accept := c.(coordinator.Accept); accept {
		return 0
	}
	return 1
}

// shown puts commands into words when they are printed. A task's references are left out: they are pointers.
type shown []coordinator.Command

func (s shown) String() string {
	var text string
	for _, command := range s {
		text += " " + inWords(command)
	}
	return text
}

func inWords(command coordinator.Command) string {
	switch c := command.(type) {
	case coordinator.WriteRecord:
		return "WriteRecord{" + described(c.Record) + "}"
	case coordinator.Enqueue:
		text := "Enqueue{"
		for _, task := range c.Tasks {
			text += fmt.Sprintf(" %s round %d", task.ID, task.Round)
			if task.Speculative {
				text += ", once more"
			}
		}
		return text + "}"
	case coordinator.Answer:
		return fmt.Sprintf("Answer{%s %q}", c.Reply, c.Answer.Error)
	case coordinator.KeepTimeline:
		return fmt.Sprintf("KeepTimeline{%s, %d attempts}", c.Timeline.Job.UID, len(c.Timeline.Attempts))
	case coordinator.Dismiss:
		return fmt.Sprintf("Dismiss{%s %v}", c.Over.UID, c.Over.Task != nil)
	case linkRead, linkConfirm, linkWrite: // pointers
		return fmt.Sprintf("%T", command)
	case coordinator.Tell:
		return fmt.Sprintf("Tell{%s %s}", c.Status.UID, c.Status.State)
	}
	return fmt.Sprintf("%T%v", command, command)
}

func described(r mapreduce.Record) string {
	if r.Quarantine != nil {
		return fmt.Sprintf("%s quarantine %d: %d records", r.UID, r.Quarantine.Part, len(r.Quarantine.Records))
	}
	if r.Repair != nil {
		return fmt.Sprintf("%s repair %d: %s %s for %s", r.UID, r.Repair.Generation, r.Repair.Phase, r.Repair.Tasks, r.Repair.Partitions)
	}
	return fmt.Sprintf("%s %s R=%d retry=%d swept=%t %s", r.UID, r.State, r.Reduces, r.Retry, r.Swept, r.Error)
}
