package simulation

import (
	"time"

	"jetreduce/mapreduce"
)

// attempt is one execution of a task: a chain of steps, between any two of which its worker may crash or pause.
//
//	begin ─▶ work ─▶ publish… ─▶ [decide ─▶ publish the output] ─▶ commit ─▶ ack
//	            └──────────┴─────────────────▶ fail ─▶ term
type attempt struct {
	k       *worker
	w       *world
	id      mapreduce.Attempt
	task    mapreduce.Task
	seq     uint64
	receipt string
	since   time.Duration
}

func (a *attempt) String() string { return a.task.ID.String() + " by " + a.id.String() }

// then is the next step.
func (a *attempt) then(delay time.Duration, do func()) {
	life := a.k.life
	a.k.then(delay, func() {
		switch {
		case a.w.chance(a.w.chaos.WorkerCrashes):
			a.k.crash()
		case a.w.chance(a.w.chaos.WorkerPauses):
			a.k.pause()
			a.k.frozen = append(a.k.frozen, do)
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
	f.Version, f.Task, f.Attempt, f.At = mapreduce.RecordVersion, a.task.ID, a.id, a.w.date()
	a.ask(func() { a.w.bus.fail(f) }, a.settle)
}

// commit creates the commit record. Whoever loses drops what it made.
func (a *attempt) commit(c mapreduce.Commit, made []mapreduce.Lane) {
	c.Version, c.Task, c.Attempt = mapreduce.RecordVersion, a.task.ID, a.id
	var stands mapreduce.Commit
	asked := 0
	a.ask(func() {
		stands = a.w.bus.commit(c)
		asked++
	}, func() {
		won := stands.Attempt == a.id
		if asked > 1 && a.w.config.Bug == ForgetsItself {
			won = false
		}
		if !won {
			a.discard(made)
		}
		a.settle()
	})
}

// discard drops the attempt's own runs.
func (a *attempt) discard(made []mapreduce.Lane) {
	a.w.note("%s lost: discards", a)
	for _, l := range made {
		if runs, there := a.w.lanes[l]; there {
			delete(runs, runKey{a.task.ID.N, a.id})
		}
	}
}

// put publishes one run on each lane, one after another.
func (a *attempt) put(lanes []mapreduce.Lane, run func(i int) bag, then func()) {
	a.putFrom(0, lanes, run, then)
}

func (a *attempt) putFrom(i int, lanes []mapreduce.Lane, run func(i int) bag, then func()) {
	if i == len(lanes) {
		then()
		return
	}
	runs, there := a.w.lanes[lanes[i]]
	if !there {
		a.stranded("there is no lane " + lanes[i].String())
		return
	}
	a.ask(func() { runs[runKey{a.task.ID.N, a.id}] = run(i) }, func() { a.putFrom(i+1, lanes, run, then) })
}

// stranded fails an attempt that finds the storage of its job gone. That may only be when the job's end is decided, or
// when the bus refused to make it.
func (a *attempt) stranded(reason string) {
	if uid := a.task.ID.UID; !a.w.over(uid) && !a.w.bus.refused[uid] {
		a.w.violate("%s of a job that has no end: %s", a, reason)
	}
	a.fail(mapreduce.Failure{Reason: reason})
}
