package simulation

import (
	"io"
	"math/rand/v2"
	"time"
)

// Config is all that a run depends on.
type Config struct {
	Seed  uint64
	Chaos Chaos
	Until time.Duration // virtual; chaos and new submissions end then (0: 20 s), and the run must drain
	Bug   Bug           // planted in the model; empty: none
	Trace io.Writer     // takes every line of the run; nil: only the last lines are kept
}

// drain is how long, after the chaos has ended, the cluster may take to end all jobs.
const drain = 3 * time.Minute

func (c Config) withDefaults() Config {
	if c.Until == 0 {
		c.Until = 20 * time.Second
	}
	return c
}

// Chaos is how often what goes wrong: probabilities for each occasion. The zero value is a perfect world.
type Chaos struct {
	LeaderCrashes float64 // after a command
	LeaderPauses  float64 // at a tick, for seconds: another takes over, then the old one goes on
	LeaseLost     float64 // at a tick: another takes over, and the old one notices by what is refused, or within a second
	BusSlow       float64 // a command of the leader takes up to a second
	BusRefuses    float64 // a refusable command is refused for good, for a job whose fate allows it

	WorkerCrashes float64 // between two steps of an attempt
	WorkerPauses  float64 // between two steps of an attempt
	WorkerStops   float64 // at a heartbeat: it hands everything back and says so
	AttemptSlow   float64 // takes 20 times as long
	AttemptFails  float64 // at most twice a task

	AnswerLost   float64 // a request of a worker, applied or not, is not answered
	AckLost      float64
	TaskLost     float64 // a queued message vanishes
	TaskDoubled  float64 // a message is delivered and stays ready
	TaskReorders float64 // not the oldest message is delivered
	BeatLost     float64
	BeatDelayed  float64 // by seconds
	BeatDoubled  float64
	WatchDelayed float64 // a record reaches the leader seconds late
	WatchDoubled float64 // some records come again
	WriteRepeats float64 // a state record is written once more, a while later: it comes to stand behind others
	StaleReads   float64 // a replica that is behind answers: what was written is not found
	RunsLost     float64 // some runs of a lane vanish, or the lane
	LanesAway    float64 // a server goes away with its lanes, for seconds or for good
	RepairFails  float64 // what runs again once the job is decided to be done, fails permanently
	LinkSilent   float64 // a link or unlink is not answered, carried out or not

	StandbyCrashes float64 // at a tick
	StandbyPauses  float64 // at a tick, for seconds: it cannot take over, and hears of everything late
	ReplyLost      float64 // a request to the leader, or its answer
	Meddling       float64 // of users: they cancel, retry, remove and submit again
}

// Storm is the chaos that the tests run in.
func Storm() Chaos {
	return Chaos{
		LeaderCrashes: 0.02, LeaderPauses: 0.01, BusSlow: 0.02, BusRefuses: 0.3,
		WorkerCrashes: 0.02, WorkerPauses: 0.02, WorkerStops: 0.01, AttemptSlow: 0.05, AttemptFails: 0.05,
		AnswerLost: 0.08, AckLost: 0.1, TaskLost: 0.05, TaskDoubled: 0.05, TaskReorders: 0.2,
		BeatLost: 0.1, BeatDelayed: 0.1, BeatDoubled: 0.05, WatchDelayed: 0.05, WatchDoubled: 0.02,
		RunsLost: 0.05, StandbyCrashes: 0.005, ReplyLost: 0.1, Meddling: 0.5,
		LeaseLost: 0.01, WriteRepeats: 0.05, StaleReads: 0.1, LanesAway: 0.1, RepairFails: 0.3, LinkSilent: 0.1, StandbyPauses: 0.01,
	}
}

// varied makes each seed's weather its own: some troubles are left out, so that others run far before they are cut
// short, and the rest are stronger or weaker.
func (c Chaos) varied(rng *rand.Rand) Chaos {
	rates := []*float64{
		&c.LeaderCrashes, &c.LeaderPauses, &c.BusSlow, &c.BusRefuses,
		&c.WorkerCrashes, &c.WorkerPauses, &c.WorkerStops, &c.AttemptSlow, &c.AttemptFails,
		&c.AnswerLost, &c.AckLost, &c.TaskLost, &c.TaskDoubled, &c.TaskReorders,
		&c.BeatLost, &c.BeatDelayed, &c.BeatDoubled, &c.WatchDelayed, &c.WatchDoubled,
		&c.RunsLost, &c.StandbyCrashes, &c.ReplyLost, &c.Meddling,
		&c.LeaseLost, &c.WriteRepeats, &c.StaleReads, &c.LanesAway, &c.RepairFails, &c.LinkSilent, &c.StandbyPauses,
	}
	for _, rate := range rates {
		if rng.IntN(3) == 0 {
			*rate = 0
		}
		*rate = min(1, *rate*2*rng.Float64())
	}
	return c
}

// Bug is a fault planted in the model, to see that the checks find it.
type Bug string

// The planted bugs.
const (
	TrustAnyRun    Bug = "a reducer merges all runs it finds, whatever the roster says"
	NoFence        Bug = "a deposed leader's record is written"
	LastEndWins    Bug = "a later end record replaces the first"
	LastCommitWins Bug = "a later commit replaces the first"
	ForgetsItself  Bug = "a worker that asks again takes its own commit for another's"
	EarlyAccept    Bug = "a submission is settled before it is recorded"
	ShortReplay    Bug = "a leader begins to lead before it has read all records"
	SilentQueue    Bug = "nobody tells the leader what the queue has settled"
	AckFirst       Bug = "a worker acks its task before it commits"
	PublishFirst   Bug = "a worker publishes the output before the end is decided"

	TrustsRepairs     Bug = "a repair is not compared with the first time"
	TrustEachRound    Bug = "a reducer takes what each generation has made"
	SeenStale         Bug = "a reader says that it has seen the first generation only"
	LinksUnfenced     Bug = "a link is written whatever it was before"
	ForgetsTombstones Bug = "nothing is left of a removed job"
	ForgetsEnds       Bug = "of a removed job the end is forgotten too"
	EndlessUploads    Bug = "uploads never expire"

	TrustsStale Bug = "a worker whose commit is refused, and that does not find who was first, takes it for lost"
	DecidesLate Bug = "a finish decides however long ago it was queued"
	NamesNobody Bug = "a careful worker leaves records out, and does not say so"
)
