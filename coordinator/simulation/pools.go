package simulation

import (
	"errors"
	"math/rand/v2"
	"slices"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// poolClass is the tasks of one pool and class. Those of the default pool can always be pulled, the others as long as a leader keeps
// them open.
type poolClass struct {
	pool  mapreduce.Pool
	class mapreduce.Class
}

// A queue is dropped in two stages: the leader makes sure that it leads, and drops it.
type (
	closeConfirm struct{ coordinator.CloseQueue }
	closeDrop    struct{ coordinator.CloseQueue }
)

// muster draws the pools of workers and the priorities of jobs: not from the run's own chance, whose seeds would mean other runs.
func (w *world) muster() {
	w.ranks = rand.New(rand.NewPCG(w.config.Seed, 0x706f6f6c73))
	w.pools = []mapreduce.Pool{""}
	if w.scale.workers > 1 && w.ranks.IntN(3) == 0 {
		w.pools = append(w.pools, "other")
	}
	w.opened = map[poolClass]bool{}
	w.ranked = w.ranks.IntN(2) == 0
	w.kept = w.retention()
}

// pool is that of a worker.
func (k *worker) pool() mapreduce.Pool { return k.w.pools[k.number%len(k.w.pools)] }

// rank gives a job a pool that has workers, and a priority.
func (w *world) rank(job *mapreduce.Job, in *input) {
	job.Pool = w.pools[w.ranks.IntN(len(w.pools))]
	if in.fate == someLack && !w.has(in, job.Pool) { // nobody there could run it
		in.absent[slices.Index(w.pools, job.Pool)] = false
	}
	if w.ranked {
		job.Priority = w.ranks.IntN(5) - 2
	}
}

// has reports whether a worker of a pool has an input.
func (w *world) has(in *input, pool mapreduce.Pool) bool {
	for k := range w.scale.workers {
		if w.pools[k%len(w.pools)] == pool && !in.absent[k] {
			return true
		}
	}
	return false
}

// lines are those that can be pulled from, in order.
func (w *world) lines() (lines []poolClass) {
	for _, pool := range w.pools {
		for _, c := range []mapreduce.Class{mapreduce.IO, class} {
			if l := (poolClass{pool.OrDefault(), c}); w.pullable(l) {
				lines = append(lines, l)
			}
		}
	}
	return lines
}

func (w *world) pullable(l poolClass) bool { return l.pool == mapreduce.DefaultPool || w.opened[l] }

func lineOf(task mapreduce.Task) poolClass { return poolClass{task.Pool.OrDefault(), task.Class} }

// openOrClose carries out a command about a queue, and reports whether it is one.
func (l *leader) openOrClose(command coordinator.Command) bool {
	switch c := command.(type) {
	case coordinator.OpenQueue:
		l.followed = append(l.followed, mapreduce.QueueOpened{Pool: c.Pool, Class: c.Class})
		l.w.opened[poolClass{c.Pool, c.Class}] = true
		l.w.queue.kick()
	case closeConfirm:
		if errors.Is(l.w.bus.fence(l.epoch), mapreduce.ErrDeposed) {
			l.deposed()
		}
	case closeDrop:
		of := poolClass{c.Pool, c.Class}
		if needs := l.w.needsLine(of); l.current() && needs != "" {
			l.w.violate("epoch %d drops the queue %v, which %s needs", l.epoch, of, needs)
		}
		l.w.tally.Dropped++
		l.w.opened[of] = false
		l.w.queue.messages = slices.DeleteFunc(l.w.queue.messages, func(m *message) bool { return lineOf(m.task) == of })
	default:
		return false
	}
	return true
}

// needsLine is a job that may have tasks on a line, or none.
func (w *world) needsLine(of poolClass) mapreduce.UID {
	for _, uid := range w.bus.uids {
		if !w.final(uid) && w.bus.specs[uid].Pool.OrDefault() == of.pool {
			return uid
		}
	}
	return ""
}

// checkTurn checks that a task is queued only when no map of a job with a higher priority, in the same pool, is left to be queued. Only
// those jobs count of which it is certain that their maps may run, and that this leader has known it for a while.
func (l *leader) checkTurn(task mapreduce.Task) {
	spec := l.w.bus.specs[task.ID.UID]
	if task.Pool.OrDefault() != spec.Pool.OrDefault() {
		l.w.violate("epoch %d queues %s of pool %q in pool %q", l.epoch, task.ID, spec.Pool, task.Pool)
	}
	if task.Speculative || task.Class != class || l.w.now < l.began+2e9 {
		return
	}
	for _, uid := range l.w.bus.uids {
		other := l.w.bus.specs[uid]
		if other.Priority <= spec.Priority || other.Pool != spec.Pool || !l.maps(uid) {
			continue
		}
		for n := range l.w.bus.splits[uid] {
			id := mapreduce.TaskID{UID: uid, Phase: mapreduce.Map, N: n, Generation: 1}
			if !l.known[id] && !l.queued[id] {
				l.w.violate("epoch %d queues %s of priority %d, and %s of priority %d is not queued",
					l.epoch, task.ID, spec.Priority, id, other.Priority)
				return
			}
		}
	}
}

// maps reports whether a job runs maps under this leader, and nothing ails it.
func (l *leader) maps(uid mapreduce.UID) bool {
	in, state := l.w.input(uid), l.w.bus.states[uid]
	return in != nil && in.fate == fine && state.State == mapreduce.Mapping && state.epoch == l.epoch &&
		!l.w.over(uid) && !l.w.bus.lossy[uid] && l.w.bus.excuse[uid] == "" && !l.w.bus.refused[uid]
}
