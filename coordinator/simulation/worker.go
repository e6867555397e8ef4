package simulation

import (
	"fmt"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// worker is one place where worker processes live, one after another: each life has a new name, and knows nothing of
// the one before.
type worker struct {
	w       *world
	number  int
	life    int
	id      mapreduce.WorkerID
	up      bool
	paused  bool
	count   uint32
	running []*attempt
	frozen  []func() // what it was about to do when it was paused
}

// class is the class of map and reduce tasks.
const class mapreduce.Class = "builtin"

const beatEvery = 500 * time.Millisecond

func (k *worker) start() {
	k.life++
	k.id = mapreduce.WorkerID(fmt.Sprintf("w%d_%d", k.number, k.life))
	k.up, k.paused, k.count, k.running, k.frozen = true, false, 0, nil, nil
	k.w.note("%s starts", k.id)
	life := k.life
	k.w.every(beatEvery, func() bool {
		alive := k.up && k.life == life
		if alive && !k.paused {
			k.beat()
		}
		return alive
	})
	k.beat()
}

// then does something later in this life; a pause puts it off, a crash calls it off.
func (k *worker) then(delay time.Duration, do func()) {
	life := k.life
	k.w.after(delay, func() {
		switch {
		case !k.up || k.life != life:
		case k.paused:
			k.frozen = append(k.frozen, do)
		default:
			do()
		}
	})
}

// crash ends this life: whatever it had in mind is gone. The next begins a little later.
func (k *worker) crash() {
	k.w.note("%s crashes", k.id)
	k.w.tally.Crashes++
	k.up, k.running, k.frozen = false, nil, nil
	k.w.after(k.w.between(100*time.Millisecond, 6*time.Second), k.start)
}

// pause stops everything that this life does, as SIGSTOP would, for longer than anybody waits.
func (k *worker) pause() {
	k.w.note("%s is paused", k.id)
	k.w.tally.Silences++
	k.paused = true
	life := k.life
	k.w.after(k.w.between(time.Second, 12*time.Second), func() {
		if k.up && k.life == life {
			k.resume()
		}
	})
}

func (k *worker) resume() {
	k.w.note("%s goes on", k.id)
	k.paused = false
	frozen := k.frozen
	k.frozen = nil
	for _, do := range frozen {
		k.then(k.w.between(0, 50*time.Millisecond), do)
	}
}

// stop is a clean exit: everything is handed back, and the last heartbeat says so.
func (k *worker) stop() {
	k.w.note("%s stops", k.id)
	k.w.tally.Silences++
	for _, a := range k.running {
		if !k.w.chance(k.w.chaos.AckLost) {
			k.w.queue.giveBack(a.seq)
		}
	}
	k.w.spread(mapreduce.Beat{Version: mapreduce.RecordVersion, Worker: k.id, Bye: true})
	k.up, k.running = false, nil
	k.w.after(k.w.between(100*time.Millisecond, 3*time.Second), k.start)
}

// beat sends a heartbeat, extends the deliveries it holds, and looks for work in case nobody told of it.
func (k *worker) beat() {
	if k.w.chance(k.w.chaos.WorkerStops) {
		k.stop()
		return
	}
	beat := mapreduce.Beat{
		Version: mapreduce.RecordVersion, Worker: k.id, Pool: k.pool(), At: k.w.date(),
		Slots: map[mapreduce.Class]int{class: k.w.scale.slots, mapreduce.IO: 1},
	}
	for _, a := range k.running {
		k.w.queue.extend(a.seq)
		beat.Running = append(beat.Running, mapreduce.Running{
			Task: a.task.ID, Attempt: a.id, Receipt: a.receipt, Since: k.w.dateOf(a.since), Progress: int64(k.w.now - a.since),
			Speculative: a.task.Speculative,
		})
	}
	k.w.spread(beat)
	k.pull()
}

// dismiss ends the attempts of what is over, if the word reaches the worker.
func (k *worker) dismiss(over mapreduce.Over) {
	for _, a := range slices.Clone(k.running) {
		if over.Covers(a.task.ID) && !a.over {
			k.w.note("%s is dismissed", a)
			k.w.tally.Dismissed++
			a.settle()
			a.over = true
		}
	}
}

// dismiss tells all workers that a job or a task is over. A word may be lost or late.
func (w *world) dismiss(over mapreduce.Over) {
	for _, k := range w.workers {
		if w.chance(w.chaos.BeatLost) {
			continue
		}
		delay := w.between(0, 30*time.Millisecond)
		if w.chance(w.chaos.BeatDelayed) {
			delay += w.between(0, 5*time.Second)
		}
		k.then(delay, func() { k.dismiss(over) })
	}
}

// spread sends a heartbeat to all who lead or stand by: perhaps never, late, or twice.
func (w *world) spread(beat mapreduce.Beat) {
	if w.chance(w.chaos.BeatLost) {
		return
	}
	delay := w.between(0, 30*time.Millisecond)
	if w.chance(w.chaos.BeatDelayed) {
		delay += w.between(0, 5*time.Second)
	}
	w.after(delay, func() {
		for _, l := range w.watchers() {
			l.take(beat)
		}
	})
	if w.chance(w.chaos.BeatDoubled) {
		w.spread(beat)
	}
}

// pull takes tasks for all free slots.
func (k *worker) pull() {
	for _, c := range []mapreduce.Class{mapreduce.IO, class} {
		for k.free(c) > 0 {
			m, receipt := k.w.queue.pull(poolClass{k.pool().OrDefault(), c})
			if m == nil {
				break
			}
			k.count++
			a := &attempt{
				k: k, w: k.w, id: mapreduce.Attempt{Worker: k.id, N: k.count},
				task: m.task, seq: m.seq, receipt: receipt, since: k.w.now, queued: m.queued, deliveries: m.deliveries,
			}
			k.running = append(k.running, a)
			a.begin()
		}
	}
}

func (k *worker) free(c mapreduce.Class) int {
	n := k.w.scale.slots
	if c == mapreduce.IO {
		n = 1
	}
	for _, a := range k.running {
		if a.task.Class == c {
			n--
		}
	}
	return n
}

// done forgets an attempt and uses its slot.
func (k *worker) done(a *attempt) {
	k.running = slices.DeleteFunc(k.running, func(b *attempt) bool { return a == b })
	k.then(time.Millisecond, k.pull)
}
