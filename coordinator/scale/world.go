package scale

import (
	"math"
	"math/rand/v2"
	"runtime"
	"time"

	"jetreduce/mapreduce"
)

// world is one cluster and its job.
type world struct {
	clock
	config  Config
	rng     *rand.Rand
	queue   *queue
	workers []*worker
	leader  *leader
	stream  commits
	serving bool // an alarm is set
	result  Result
}

// commits is the stream of records: first in, first out, one at a time.
type commits struct {
	way  []uint64 // messages whose commits are on their way
	free time.Duration
	done map[mapreduce.TaskID]bool
}

// Run simulates one cluster until its job is done.
func Run(config Config) Result {
	runtime.LockOSThread() // whose time is measured
	defer runtime.UnlockOSThread()
	w := newWorld(config.withDefaults())
	w.begin()
	for !w.leader.ended {
		w.ring(w.next())
	}
	w.result.Makespan = w.now
	w.leader.sum(&w.result)
	return w.result
}

func newWorld(config Config) *world {
	w := &world{
		config: config, rng: rand.New(rand.NewPCG(config.Seed, 0x7363616c65)), queue: newQueue(),
		stream: commits{done: make(map[mapreduce.TaskID]bool, config.Splits)}, result: Result{Config: config},
	}
	w.leader = newLeader(w)
	for i := range config.Workers {
		w.workers = append(w.workers, &worker{w: w, number: i})
	}
	return w
}

func (w *world) begin() {
	w.leader.take(mapreduce.Replayed{})
	for _, k := range w.workers {
		w.after(time.Duration(w.rng.Int64N(int64(beatEvery))), start, k, 0)
	}
	w.after(tickEvery, tick, nil, 0)
	w.after(lookEvery, look, nil, 0)
	w.leader.take(mapreduce.Submitted{Seq: 1, UID: uid, Job: w.config.job()})
}

func (w *world) ring(a alarm) {
	switch a.what {
	case tick:
		w.leader.tick()
		w.after(tickEvery, tick, nil, 0)
	case look:
		w.leader.look()
		w.after(lookEvery, look, nil, 0)
	case pump:
		w.leader.busy = false
		w.leader.pump()
	case serve:
		w.serve()
	case commit:
		w.committed()
	default:
		a.who.ring(a)
	}
}

// ring is for one life of a worker.
func (k *worker) ring(a alarm) {
	switch {
	case a.what == finish:
		k.onFinish(a.which)
	case a.which&^early != k.life:
	case a.what == start:
		k.start()
	case a.which&early != 0:
		k.beat()
	default:
		k.onBeat()
	}
}

// serveSoon has the queue hand out tasks a moment later.
func (w *world) serveSoon() {
	if !w.serving {
		w.serving = true
		w.after(onTheWay, serve, nil, 0)
	}
}

func (w *world) serve() {
	w.serving = false
	for _, c := range []mapreduce.Class{class, mapreduce.IO} {
		l := w.queue.lines[c]
		for {
			seq, to := w.queue.match(l)
			if to == nil {
				break
			}
			to.take(seq)
		}
	}
}

// record puts the commit of an attempt on its way.
func (w *world) record(seq uint64) {
	w.stream.way = append(w.stream.way, seq)
	w.stream.free = max(w.stream.free, w.now+onTheWay) + w.config.Bus.Commit
	w.after(w.stream.free-w.now, commit, nil, 0)
}

// committed takes in the next commit: the first of a task wins. Then its message is settled, whoever has it.
func (w *world) committed() {
	seq := w.stream.way[0]
	w.stream.way = w.stream.way[1:]
	m := w.queue.messages[seq]
	if m == nil {
		return // withdrawn, since another was faster
	}
	won := !w.stream.done[m.task.ID]
	w.stream.done[m.task.ID] = true
	w.result.Messages.Acks++
	w.end(seq)
	if !won {
		return
	}
	if m.task.ID.Phase == mapreduce.Finish { // it decides before it publishes
		w.leader.news(mapreduce.End{Version: mapreduce.RecordVersion, UID: uid, State: mapreduce.Done, Attempt: m.attempt})
	}
	w.leader.news(w.recordOf(m))
}

// end takes a message out of the queue; whoever has it has a free slot.
func (w *world) end(seq uint64) {
	m := w.queue.messages[seq]
	if m == nil {
		return
	}
	delete(w.queue.messages, seq)
	if m.by != nil {
		m.by.settle(seq, m.task.Class)
	}
}

// recordOf is the commit of an attempt.
func (w *world) recordOf(m *message) mapreduce.Commit {
	if m.task.ID.Phase == mapreduce.Plan {
		return w.config.plan(m.attempt)
	}
	return committedBy(m.task.ID, m.attempt, w.now-m.since, mapreduce.Digest(w.rng.Uint64()))
}

func committedBy(id mapreduce.TaskID, by mapreduce.Attempt, took time.Duration, digest mapreduce.Digest) mapreduce.Commit {
	return mapreduce.Commit{
		Version: mapreduce.RecordVersion, Task: id, Attempt: by, Took: took, Digest: digest,
		Counts: mapreduce.Counts{Bytes: splitBytes, Records: 12_000_000, Groups: 250_000},
	}
}

// duration draws how long an attempt takes.
func (w *world) duration(p mapreduce.Phase) time.Duration {
	d := time.Duration((0.5 + w.rng.Float64()) * float64(w.config.Task))
	if p == mapreduce.Map && w.rng.Float64() < w.config.Slow {
		d *= 10
	}
	return max(d, time.Microsecond)
}

// dateOf is when the clock stood at so much.
func (w *world) dateOf(at time.Duration) time.Time { return w.date().Add(at - w.now) }

// perSecond is a rate over the makespan.
func (r Result) perSecond(n int) float64 {
	return float64(n) / math.Max(r.Makespan.Seconds(), 1e-9)
}
