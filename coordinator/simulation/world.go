package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// world is one simulated cluster.
type world struct {
	clock
	trace  trace
	config Config
	chaos  Chaos
	rng    *rand.Rand
	scale  scale

	bus     *bus
	queue   *queue
	lanes   map[mapreduce.Lane]*lane
	made    []mapreduce.Lane // all that ever were, in order
	inputs  map[string]*input
	links   map[mapreduce.JobID]*link
	pools   []mapreduce.Pool   // each has workers
	opened  map[poolClass]bool // queues of other pools than the default one
	ranks   *rand.Rand         // of pools, priorities and retention
	ranked  bool               // jobs have priorities
	kept    kept
	uploads map[string]*upload
	workers []*worker
	leaders []*leader // those that have not ended, in the order of their epochs
	standby *leader   // follows, and takes over when there is none; or nil

	requests  map[string]*request
	clients   int                      // submissions and requests still to come, or under way
	failed    map[mapreduce.TaskID]int // attempts that failed by chance
	electing  bool                     // a new leader is on its way
	uids      int
	told      uint64 // a digest of all that users were told
	drained   bool
	tally     Tally
	violation error
}

// scale is the size of the cluster and the leader's numbers, drawn from the seed.
type scale struct {
	workers, slots, jobs, bags int
	window, inline             int
	refill, portion            int // 0: as in life
	repairs                    int // that a job may have
	standbys                   bool
	work                       time.Duration // that an attempt takes at most, if it is not slow
}

func newWorld(config Config) *world {
	w := &world{
		config: config, rng: rand.New(rand.NewPCG(config.Seed, 0x6a6574)), trace: trace{out: config.Trace},
		lanes: map[mapreduce.Lane]*lane{}, inputs: map[string]*input{}, failed: map[mapreduce.TaskID]int{},
		links: map[mapreduce.JobID]*link{}, uploads: map[string]*upload{}, requests: map[string]*request{},
	}
	w.bus = newBus(w)
	w.queue = &queue{w: w}
	w.chaos = config.Chaos.varied(w.rng)
	w.scale = scale{
		workers: 1 + w.rng.IntN(4), slots: 1 + w.rng.IntN(2), jobs: 1 + w.rng.IntN(4), bags: 1 + w.rng.IntN(12),
		window: 1 + w.rng.IntN(8), inline: w.rng.IntN(2) * 1024, work: 300 * time.Millisecond,
	}
	if w.rng.IntN(8) == 0 { // now and then a job of many quick tasks, so that windows matter
		w.scale.bags, w.scale.slots, w.scale.work = 48, 1, 60*time.Millisecond
	}
	w.scale.repairs = 50
	if w.rng.IntN(8) == 0 {
		w.scale.repairs = 1 + w.rng.IntN(4)
	}
	w.scale.standbys = w.rng.IntN(2) == 0
	w.muster()
	w.scale.inline++                                                                   // 0 would be the default, 1 stores every roster
	if parts := rand.New(rand.NewPCG(config.Seed, 0x7061727473)); parts.IntN(4) == 0 { // else a window of this size is one part
		w.scale.refill, w.scale.portion = 1+parts.IntN(8), 1+parts.IntN(24)
	}
	return w
}

// begin sets up everybody, and the checks.
func (w *world) begin() {
	for i := range w.scale.workers {
		k := &worker{w: w, number: i}
		w.workers = append(w.workers, k)
		w.after(w.between(0, 2*time.Second), k.start)
	}
	w.elect(0)
	w.enrol()
	w.every(250*time.Millisecond, w.queue.expire)
	w.every(2*time.Second, w.offer)
	w.every(500*time.Millisecond, w.audit)
	w.every(250*time.Millisecond, w.decay)
	w.every(250*time.Millisecond, w.outage)
	w.every(2*time.Second, w.standBy)
}

// watchers are all who hear what happens.
func (w *world) watchers() []*leader {
	if w.standby == nil {
		return w.leaders
	}
	return append(slices.Clone(w.leaders), w.standby)
}

// uid is a fresh one.
func (w *world) uid() mapreduce.UID {
	w.uids++
	return mapreduce.UID(fmt.Sprintf("u%d", w.uids))
}

// note adds a line to the trace. Arguments must not change later.
func (w *world) note(format string, args ...any) { w.trace.add(w.now, format, args) }

// violate ends the run: the first violation is the one that explains the others.
func (w *world) violate(format string, args ...any) {
	if w.violation == nil {
		w.violation = fmt.Errorf(format, args...)
		w.note("VIOLATION: %s", w.violation)
	}
}

// chance is true with the given probability, and never once the chaos has ended.
func (w *world) chance(rate float64) bool {
	return rate > 0 && w.now < w.config.Until && w.rng.Float64() < rate
}

// between draws a duration in [from, to).
func (w *world) between(from, to time.Duration) time.Duration {
	return from + time.Duration(w.rng.Int64N(int64(to-from)))
}
