package simulation

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"sync"
	"testing"
)

var (
	oneSeed   = flag.Uint64("seed", number("JETREDUCE_SEED", 0), "simulate this seed only, and print its whole trace with -v")
	schedules = flag.Uint64("schedules", number("JETREDUCE_SCHEDULES", 1000), "how many seeds to simulate")
)

func number(env string, otherwise uint64) uint64 {
	text := os.Getenv(env)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		panic(fmt.Sprintf("%s is %q: use a number from 1", env, text))
	}
	return n
}

func TestEveryScheduleKeepsThePromises(t *testing.T) {
	if *oneSeed != 0 {
		replay(t, *oneSeed)
		return
	}
	const parts = 8
	var mu sync.Mutex
	var total Tally
	t.Run("seeds", func(t *testing.T) {
		for part := range uint64(parts) {
			t.Run(fmt.Sprintf("part %d of %d", part+1, parts), func(t *testing.T) {
				t.Parallel()
				sum := simulate(t, part+1, parts)
				mu.Lock()
				defer mu.Unlock()
				total = total.plus(sum)
			})
		}
	})
	t.Logf("%d schedules: %+v", *schedules, total)
}

// simulate runs every step-th seed, beginning with first.
func simulate(t *testing.T, first, step uint64) (total Tally) {
	for seed := first; seed <= *schedules; seed += step {
		result := Run(Config{Seed: seed, Chaos: Storm()})
		if result.Violation != nil {
			t.Fatal(result)
		}
		total = total.plus(result.Tally)
	}
	return total
}

// replay runs one seed again, with every line of its trace.
func replay(t *testing.T, seed uint64) {
	config := Config{Seed: seed, Chaos: Storm()}
	if testing.Verbose() {
		config.Trace = os.Stdout
	}
	if result := Run(config); result.Violation != nil {
		t.Fatal(result)
	}
}

func (t Tally) plus(u Tally) (sum Tally) {
	one, other, both := reflect.ValueOf(t), reflect.ValueOf(u), reflect.ValueOf(&sum).Elem()
	for i := range both.NumField() {
		both.Field(i).SetInt(one.Field(i).Int() + other.Field(i).Int())
	}
	return sum
}

func TestOneSeedIsOneRun(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 150; seed++ {
		one, other := Run(Config{Seed: seed, Chaos: Storm()}), Run(Config{Seed: seed, Chaos: Storm()})
		if one.Fingerprint != other.Fingerprint {
			t.Fatalf("seed %d ran in two ways: %s", seed, parting(traced(seed), traced(seed)))
		}
	}
	if seed := uint64(7); !bytes.Equal(traced(seed), traced(seed)) {
		t.Fatalf("seed %d ran in two ways: %s", seed, parting(traced(seed), traced(seed)))
	}
}

func traced(seed uint64) []byte {
	var trace bytes.Buffer
	Run(Config{Seed: seed, Chaos: Storm(), Trace: &trace})
	return trace.Bytes()
}

// parting is where two traces part.
func parting(first, second []byte) string {
	one, other := bytes.Split(first, []byte("\n")), bytes.Split(second, []byte("\n"))
	for i := range min(len(one), len(other)) {
		if !bytes.Equal(one[i], other[i]) {
			return fmt.Sprintf("line %d\n%s\n%s", i+1, one[i], other[i])
		}
	}
	return fmt.Sprintf("after %d and %d lines", len(one), len(other))
}

func TestWithoutChaosEachTaskIsAttemptedOnce(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 200; seed++ {
		result := Run(Config{Seed: seed})
		if result.Violation != nil {
			t.Fatal(result)
		}
		got := result.Tally
		wanted := got.Tasks + got.Failures // and those that are dismissed
		if got.Attempts < wanted || got.Attempts > wanted+got.Dismissed || got.Leaders != 1 || got.Redelivered > got.Avoided {
			t.Fatalf("seed %d: %d attempts for %d commits and %d failures: %+v",
				seed, got.Attempts, got.Tasks, got.Failures, got)
		}
	}
}

// What is lost is made again, and nothing else: each attempt commits a task of some generation, or fails because of a loss.
func TestLostRunsAreMadeAgainAndNothingElse(t *testing.T) {
	t.Parallel()
	repairs := 0
	for seed := uint64(1); seed <= 200; seed++ {
		result := Run(Config{Seed: seed, Chaos: Chaos{RunsLost: 0.5}})
		if result.Violation != nil {
			t.Fatal(result)
		}
		got := result.Tally
		repairs += got.Repairs
		if wanted := got.Tasks + got.Failures; got.Attempts < wanted || got.Attempts > wanted+got.Dismissed {
			t.Fatalf("seed %d: %d attempts for %d commits and %d failures: %+v",
				seed, got.Attempts, got.Tasks, got.Failures, got)
		}
	}
	if repairs == 0 {
		t.Error("nothing was lost")
	}
}

// Lanes go away and come back: what is to be published goes on others, and what was is read again or made again.
func TestServersGoAwayAndNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	var total Tally
	for seed := uint64(1); seed <= 200; seed++ {
		result := Run(Config{Seed: seed, Chaos: Chaos{LanesAway: 0.5}})
		if result.Violation != nil {
			t.Fatal(result)
		}
		total = total.plus(result.Tally)
	}
	if total.Away == 0 || total.Moves == 0 || total.Repairs <= total.Moves {
		t.Errorf("too little went away: %+v", total)
	}
}

func TestRecordsThatCannotBeMappedAreLeftOutAndNamed(t *testing.T) {
	t.Parallel()
	left := 0
	for seed := uint64(1); seed <= 200; seed++ {
		result := Run(Config{Seed: seed, Chaos: Chaos{RunsLost: 0.2, LeaderCrashes: 0.02}})
		if result.Violation != nil {
			t.Fatal(result)
		}
		left += result.Tally.Quarantined
	}
	if left == 0 {
		t.Error("nothing was left out")
	}
}

// After a takeover, what runs is not queued again: its workers say so in time.
func TestLeadersCrashAndNothingRunsTwice(t *testing.T) {
	t.Parallel()
	chaos := Chaos{LeaderCrashes: 0.05, AttemptSlow: 0.3, AttemptFails: 0.05, AnswerLost: 0.1}
	for seed := uint64(1); seed <= 200; seed++ {
		result := Run(Config{Seed: seed, Chaos: chaos})
		if result.Violation != nil {
			t.Fatal(result)
		}
	}
}

func TestEachPlantedBugIsFound(t *testing.T) {
	t.Parallel()
	for _, bug := range []Bug{
		TrustAnyRun, NoFence, LastEndWins, LastCommitWins, ForgetsItself, EarlyAccept, ShortReplay, SilentQueue, PublishFirst,
		TrustsRepairs, TrustEachRound, SeenStale, ForgetsTombstones, ForgetsEnds, EndlessUploads, LinksUnfenced,
		TrustsStale, NamesNobody, DecidesLate,
	} {
		t.Run(string(bug), func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= 5000; seed++ {
				if result := Run(Config{Seed: seed, Chaos: weather(bug), Bug: bug}); result.Violation != nil {
					t.Logf("seed %d: %s", seed, result.Violation)
					return
				}
			}
			t.Error("not found in 5000 seeds")
		})
	}
}

// weather is the chaos in which a bug shows: the storm, or what rarely comes together in it.
func weather(bug Bug) Chaos {
	switch bug {
	case LinksUnfenced:
		return Chaos{LeaderPauses: 0.05, Meddling: 1}
	case TrustsStale:
		return Chaos{StaleReads: 0.5, AnswerLost: 0.3, TaskDoubled: 0.2}
	case DecidesLate:
		return Chaos{WorkerPauses: 0.2, AnswerLost: 0.5, Meddling: 1}
	}
	return Storm()
}

// The queue is a hint: a worker that acks before it commits loses time when it dies, never the task.
func TestAckBeforeCommitLosesNothing(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 200; seed++ {
		if result := Run(Config{Seed: seed, Chaos: Storm(), Bug: AckFirst}); result.Violation != nil {
			t.Fatal(result)
		}
	}
}
