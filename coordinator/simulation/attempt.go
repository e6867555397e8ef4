package simulation

import (
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// attempt is one execution of a task: a chain of steps, between any two of which its worker may crash or pause.
//
//	begin ─▶ work ─▶ publish… ─▶ [decide ─▶ publish the output] ─▶ commit ─▶ ack
//	            └──────────┴─────────────────▶ fail ─▶ term
type attempt struct {
	k          *worker
	w          *world
	id         mapreduce.Attempt
	task       mapreduce.Task
	seq        uint64
	receipt    string
	since      time.Duration
	queued     time.Duration
	deliveries int  // of the message
	over       bool // dismissed: nobody waits for it any more
}

func (a *attempt) String() string { return a.task.ID.String() + " by " + a.id.String() }

// then is the next step.
func (a *attempt) then(delay time.Duration, do func()) {
	life := a.k.life
	a.k.then(delay, func() {
		switch {
		case a.over:
		case a.w.chance(a.w.chaos.WorkerCrashes):
			a.k.crash()
		case a.w.chance(a.w.chaos.WorkerPauses):
			a.k.pause()
			a.k.frozen = append(a.k.frozen, func() {
				if !a.over {
					do()
				}
			})
		case a.k.life == life:
			do()
		}
	})
}

// ask makes a request until it is answered: one that was not answered may have been carried out. Request must do the
// same when it is made again.
func (a *attempt) ask(request func(), then func()) {
	lost := a.w.chance(a.w.chaos.AnswerLost)
	if !lost || a.w.rng.IntN(2) == 0 {
		request()
	}
	if lost {
		a.w.note("%s: no answer", a)
		a.then(a.w.between(100*time.Millisecond, 800*time.Millisecond), func() { a.ask(request, then) })
		return
	}
	a.then(a.w.between(time.Millisecond, 10*time.Millisecond), then)
}

func (a *attempt) begin() {
	if slices.Contains(a.task.Avoid, a.k.id) {
		a.handBack()
		return
	}
	if a.tooOld() {
		a.settle()
		return
	}
	a.w.note("%s begins (message %d, epoch %d, round %d)", a, a.seq, a.task.Epoch, a.task.Round)
	a.w.tally.Attempts++
	if a.w.config.Bug == AckFirst {
		a.w.queue.settle(a.seq)
	}
	duration := a.w.between(a.w.scale.work/10, a.w.scale.work)
	if a.w.chance(a.w.chaos.AttemptSlow) {
		duration *= 20
	}
	a.then(duration, a.work)
}

// enough is how often a message is delivered before those who are to leave it to others take it out of the queue: else it
// would go round for ever, and hide from the leader what the queue has lost behind it.
const enough = 40

// handBack leaves the task to others, after a moment: at once it might come straight back.
func (a *attempt) handBack() {
	seq := a.seq
	a.w.tally.Avoided++
	if a.deliveries > enough {
		a.settle()
		return
	}
	a.w.after(200*time.Millisecond, func() { a.w.queue.giveBack(seq) })
	a.k.done(a)
}

// settle ends the attempt: its message is acked or termed, unless that is lost.
func (a *attempt) settle() {
	seq := a.seq
	if a.w.chance(a.w.chaos.AckLost) {
		a.w.note("%s: ack lost", a)
	} else {
		a.w.after(a.w.between(0, 10*time.Millisecond), func() { a.w.queue.settle(seq) })
	}
	a.k.done(a)
}

// fail records that the attempt failed, then gives up the task: the leader queues it again.
func (a *attempt) fail(f mapreduce.Failure) {
	f.Version, f.Task, f.Attempt, f.At, f.Careful = mapreduce.RecordVersion, a.task.ID, a.id, a.w.date(), a.task.Careful
	f.Took, f.Speculative = a.w.now-a.since, a.task.Speculative
	a.ask(func() { a.w.bus.fail(f) }, a.settle)
}

// commit creates the commit record. Whoever loses drops what it made.
func (a *attempt) commit(c mapreduce.Commit, made []mapreduce.Lane) {
	c.Version, c.Task, c.Attempt, c.Took = mapreduce.RecordVersion, a.task.ID, a.id, a.w.now-a.since
	c.Ended, c.Speculative = a.w.date().UnixMilli(), a.task.Speculative
	a.create(func() bool { return a.w.bus.commit(c) }, func() bool {
		_, found := a.w.bus.commits[c.Task]
		return found
	}, func(created, found bool) {
		won := created || found && a.w.bus.commits[c.Task].Attempt == a.id && a.w.config.Bug != ForgetsItself
		if !won {
			a.discard(made)
		}
		a.settle()
	})
}

// create creates a record unless there is one: then it is read, and one that is not found, created again. It was forgotten,
// or a replica has answered that is behind.
func (a *attempt) create(create, found func() bool, then func(created, found bool)) {
	created, there := false, false
	a.ask(func() { created = create() }, func() {
		if created {
			then(true, true)
			return
		}
		a.ask(func() { there = found() && !a.stale() }, func() {
			if there || a.w.config.Bug == TrustsStale {
				then(false, there)
				return
			}
			a.create(create, found, then)
		})
	})
}

// stale reports whether a replica answers that has not got the record yet.
func (a *attempt) stale() bool {
	stale := a.w.chance(a.w.chaos.StaleReads)
	if stale {
		a.w.tally.Stale++
		a.w.note("%s: not found yet", a)
	}
	return stale
}

// discard drops the attempt's own runs.
func (a *attempt) discard(made []mapreduce.Lane) {
	a.w.note("%s lost: discards", a)
	for _, l := range made {
		if runs, there := a.w.reach(l); there {
			runs.drop(runKey{a.task.ID.N, a.id})
		}
	}
}

// put publishes one run on each lane, one after another.
func (a *attempt) put(lanes []mapreduce.Lane, run func(mapreduce.Lane) bag, then func()) {
	if len(lanes) == 0 {
		then()
		return
	}
	there := false
	a.ask(func() {
		var runs *lane
		if runs, there = a.w.reach(lanes[0]); there {
			runs.put(runKey{a.task.ID.N, a.id}, run(lanes[0]))
		}
	}, func() {
		if !there {
			a.laneless(lanes[0])
			return
		}
		a.put(lanes[1:], run, then)
	})
}

// laneless fails an attempt that finds a lane to publish on gone. That may only be when the job's end is decided, when the
// bus refused to make it, or when it was lost.
func (a *attempt) laneless(l mapreduce.Lane) {
	a.stranded(mapreduce.Failure{Reason: "there is no lane " + l.String(), Laneless: true})
}

// stranded fails an attempt that finds something of its job gone.
func (a *attempt) stranded(f mapreduce.Failure) {
	if uid := a.task.ID.UID; !a.w.over(uid) && !a.w.bus.refused[uid] && !a.w.bus.lossy[uid] {
		a.w.violate("%s of a job that has no end: %s", a, f.Reason)
	}
	a.fail(f)
}
