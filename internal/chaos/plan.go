package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Topology says what the bus is.
type Topology string

// The topologies.
const (
	Bus    Topology = "bus"    // a process `jetreduce bus`
	Hosted Topology = "hosted" // a coordinator hosts it
	Three  Topology = "three"  // three nats-servers
)

// Plan is what a seed decides of a run.
type Plan struct {
	Seed     uint64
	Topology Topology
	Proxied  bool // workers, and coordinators that do not host, reach the bus through proxies that can be cut
	Jobs     []JobPlan
	Faults   []Fault // in the order of time
}

// JobPlan is a job to submit.
type JobPlan struct {
	ID      string
	At      time.Duration // when, from the start of the run
	Program string
	Each    time.Duration // by how much each attempt is slowed; 0: it is not
	Files   int           // inputs
	Bytes   int64         // of input, about
	Split   int64         // bytes of a split
	Reduces int
	ToFile  bool          // a worker writes the result into a file; else the bus has it
	Victim  time.Duration // the first client is killed so long after it was started; 0: it only submits
}

// Fault is something bad, to be done at a time.
type Fault struct {
	At   time.Duration
	Kind Kind
	Pick int           // which of those to whom it may be done, modulo their number
	For  time.Duration // until it is mended: started again, resumed, healed
}

// String says what is done.
func (f Fault) String() string {
	return fmt.Sprintf("%s for %s", f.Kind, f.For.Round(time.Millisecond))
}

// Kind is what can be done to a system.
type Kind string

// The kinds of faults.
const (
	KillWorker      Kind = "kill -9 worker"
	KillLeader      Kind = "kill -9 leader"
	KillStandby     Kind = "kill -9 standby"
	KillBus         Kind = "kill -9 bus"
	KillAll         Kind = "kill -9 everything"
	PauseWorker     Kind = "pause worker" // until it is given up for dead
	PauseWorkerLong Kind = "pause worker past its deadline"
	PauseLeader     Kind = "pause leader"
	PauseBus        Kind = "pause bus"
	StopWorker      Kind = "stop worker" // SIGTERM
	StopCoordinator Kind = "stop coordinator"
	StopBus         Kind = "stop bus"
	Cut             Kind = "cut"         // both ways: nothing passes, and nobody is told
	CutAnswers      Kind = "cut one way" // the bus hears, and is not heard
	Sever           Kind = "sever"       // connections are reset, and new ones refused
)

// cuts reports whether a kind is one of the network.
func (k Kind) cuts() bool { return k == Cut || k == CutAnswers || k == Sever }

// likelihood is how often a kind is drawn and how long it lasts, in milliseconds.
type likelihood struct {
	kind        Kind
	weight      int
	least, most int
}

// likelihoods: a worker is given up for dead after 2 s of silence and loses its tasks after 10 s; a leader is replaced
// after 1 s. Shorter pauses are among them: what comes back in time is a case too.
var likelihoods = []likelihood{
	{KillWorker, 24, 0, 3_000},
	{KillLeader, 14, 0, 3_000},
	{KillStandby, 6, 0, 3_000},
	{KillBus, 9, 0, 3_000},
	{KillAll, 3, 0, 1_500},
	{PauseWorker, 10, 500, 5_000},
	{PauseWorkerLong, 4, 10_200, 13_000},
	{PauseLeader, 8, 500, 4_000},
	{PauseBus, 5, 200, 5_000},
	{StopWorker, 5, 0, 2_000},
	{StopCoordinator, 5, 0, 2_000},
	{StopBus, 4, 0, 2_000},
	{Cut, 5, 200, 10_000},
	{CutAnswers, 3, 200, 10_000},
	{Sever, 4, 200, 10_000},
}

// Range is what plans are drawn from, besides the seed.
type Range struct {
	Topologies []Topology
	Bytes      int64         // of input, about
	Span       time.Duration // during which there are faults, at most; a second or more
}

// Draw makes the plan of a seed.
func Draw(seed uint64, r Range) Plan {
	random := rand.New(rand.NewPCG(seed, 0))
	p := Plan{Seed: seed, Topology: r.Topologies[random.IntN(len(r.Topologies))], Proxied: random.IntN(3) > 0}
	span := between(random, int(r.Span.Milliseconds())/3, int(r.Span.Milliseconds()))
	jobs := 1 + random.IntN(5)/3
	for i := range jobs {
		p.Jobs = append(p.Jobs, drawJob(random, i, r.Bytes/int64(jobs), span))
	}
	pace := 1_600
	if random.IntN(4) == 0 || !slices.ContainsFunc(p.Jobs, func(j JobPlan) bool { return j.Each > 0 }) {
		pace = 400 // what is not slowed is done in a second or two
	}
	for at := between(random, 100, pace); at < span; at += between(random, 50, pace) {
		p.Faults = append(p.Faults, drawFault(random, at, func(l likelihood) bool {
			return (p.Proxied || !l.kind.cuts()) && time.Duration(l.least)*time.Millisecond < r.Span
		}))
	}
	return p
}

func between(random *rand.Rand, least, most int) time.Duration {
	return time.Duration(least+random.IntN(most-least+1)) * time.Millisecond
}

// workers is how many slots there are in a run: each worker has one.
const workers = 4

// shape is how many processes there are besides the bus.
type shape struct{ coordinators, workers int }

// drawJob draws a job that, when it is slowed, takes a part of the span if nothing happens to it.
func drawJob(random *rand.Rand, n int, bytes int64, span time.Duration) JobPlan {
	j := JobPlan{
		ID: fmt.Sprintf("job-%d", n+1), At: between(random, 0, 1_000), Bytes: bytes, Files: 1 + random.IntN(4),
		Program: []string{"wordcount", "wordcount", "identity", "count"}[random.IntN(4)],
		Split:   100_000 << random.IntN(4), Reduces: 1 + random.IntN(6), ToFile: random.IntN(3) == 0,
	}
	if random.IntN(4) > 0 {
		tasks := bytes/j.Split + int64(j.Files+j.Reduces)
		j.Each = span * workers * time.Duration(20+random.IntN(40)) / 100 / time.Duration(tasks)
	}
	if random.IntN(3) == 0 {
		j.Victim = between(random, 50, 3_000)
	}
	return j
}

// drawFault draws one by weight of those that may be.
func drawFault(random *rand.Rand, at time.Duration, may func(likelihood) bool) Fault {
	l := pick(random, slices.DeleteFunc(slices.Clone(likelihoods), func(l likelihood) bool { return !may(l) }))
	return Fault{At: at, Kind: l.kind, Pick: random.IntN(12), For: between(random, l.least, l.most)}
}

func pick(random *rand.Rand, all []likelihood) likelihood {
	whole := 0
	for _, l := range all {
		whole += l.weight
	}
	dice := random.IntN(whole)
	for _, l := range all {
		if dice -= l.weight; dice < 0 {
			return l
		}
	}
	return all[0]
}
