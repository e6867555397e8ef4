package coordinator_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// Events may come twice, late and in any order: whatever comes, Step answers, and equal states answer alike.
func TestStepIsAFunctionOfStateAndEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := coordinator.Config{Epoch: 1, MinWindow: 4, MaxFailures: 9, MaxLosses: 9, RosterInline: 8}
		one, other := coordinator.NewState(config), coordinator.NewState(config)
		now := time.Unix(0, 0)
		for _, event := range slices.Concat(opening(t), rapid.SliceOfN(anyEvent(), 1, 80).Draw(t, "events")) {
			now = now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "milliseconds")) * time.Millisecond)
			if diff := cmp.Diff(one.Step(now, event), other.Step(now, event)); diff != "" {
				t.Fatalf("on %T%+v two equal states part:\n%s", event, event, diff)
			}
		}
	})
}

// opening brings a leader to a job that maps: its own, or one that it takes over.
func opening(t *rapid.T) []mapreduce.Event {
	if rapid.Bool().Draw(t, "takes over") {
		return append(inherited(mapreduce.Queued, mapreduce.Planning, mapreduce.Mapping), planned(6), mapreduce.Replayed{})
	}
	return []mapreduce.Event{mapreduce.Replayed{}, submitted(1, count()), planned(6)}
}

func anyEvent() *rapid.Generator[mapreduce.Event] {
	return rapid.Custom(func(t *rapid.T) mapreduce.Event {
		switch rapid.IntRange(0, 11).Draw(t, "kind") {
		case 0, 1:
			return submitted(uint64(rapid.IntRange(1, 2).Draw(t, "seq")), count())
		case 2:
			return planned(6)
		case 3, 4:
			return mapreduce.Commit{Task: anyTask(t), Attempt: anyAttempt(t)}
		case 5:
			return mapreduce.Failure{
				Task: anyTask(t), Attempt: anyAttempt(t), Reason: "r",
				Lost: rapid.Bool().Draw(t, "lost"), Permanent: rapid.IntRange(0, 9).Draw(t, "permanent") == 0,
			}
		case 6, 7:
			return anyBeat(t)
		case 8:
			return mapreduce.QueueSeen{Class: "builtin", Settled: uint64(rapid.IntRange(0, 9).Draw(t, "settled"))}
		case 9:
			return mapreduce.TaskQueued{Task: anyTask(t), Round: 1, Seq: uint64(rapid.IntRange(1, 9).Draw(t, "seq"))}
		}
		return anyWord(t)
	})
}

// anyWord is one of the events that come seldom, or a tick.
func anyWord(t *rapid.T) mapreduce.Event {
	switch rapid.IntRange(0, 12).Draw(t, "word") {
	case 0:
		return done()
	case 1:
		return mapreduce.End{UID: "u1", State: mapreduce.Failed, Reason: "r"}
	case 2:
		return mapreduce.Refused{UID: "u1", Reason: "r"}
	case 3:
		return mapreduce.Asked{Job: "count", Reply: "reply"}
	}
	return mapreduce.Tick{}
}

func anyTask(t *rapid.T) mapreduce.TaskID {
	phase := rapid.SampledFrom([]mapreduce.Phase{mapreduce.Map, mapreduce.Map, mapreduce.Reduce, mapreduce.Finish}).Draw(t, "phase")
	return task(phase, rapid.IntRange(0, 5).Draw(t, "n"))
}

func anyAttempt(t *rapid.T) mapreduce.Attempt {
	worker := rapid.SampledFrom([]mapreduce.WorkerID{"w1", "w2", "w3"}).Draw(t, "worker")
	return attempt(worker, uint32(rapid.IntRange(1, 9).Draw(t, "attempt")))
}

func anyBeat(t *rapid.T) mapreduce.Beat {
	worker := rapid.SampledFrom([]mapreduce.WorkerID{"w1", "w2", "w3"}).Draw(t, "worker")
	var tasks []mapreduce.TaskID
	for range rapid.IntRange(0, 3).Draw(t, "running") {
		tasks = append(tasks, anyTask(t))
	}
	b := beat(worker, tasks...)
	for i := range b.Running {
		b.Running[i].Progress = int64(rapid.IntRange(0, 99).Draw(t, "progress"))
	}
	return b
}
