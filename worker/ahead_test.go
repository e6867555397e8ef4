package worker

import (
	"context"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jetreduce/mapreduce"
)

func TestShortTasksFollowEachOtherWithoutAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "50ms", "50ms", "50ms", "50ms", "50ms", "50ms").run(t)
		const gap, none = 55 * time.Millisecond, 50 * time.Millisecond
		want := []time.Duration{0, gap, 2 * gap, 3 * gap, 3*gap + none, 3*gap + 2*none}
		if got := b.nth(6); !slices.Equal(got, want) {
			t.Errorf("begun at %v, want %v", got, want)
		}
		b.end(t)
	})
}

// A task that waits in a worker could run elsewhere: it is asked for when the slot is nearly free, and not before it is known
// when that is.
func TestSlotAsksAMomentBeforeItIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "70ms", "80ms", "50ms", "90ms", "90ms", "90ms").run(t)
		b.nth(4)
		if len(b.asked) != 0 {
			t.Error("asked before three tasks were done")
		}
		fourth := time.Now()
		if after := (<-b.asked).Sub(fourth); after != 60*time.Millisecond {
			t.Errorf("asked %s after it began, with 80 ms the longest of the last", after)
		}
		b.end(t)
	})
}

func TestLongTasksAreNotAskedForAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "1ms", "1s", "1ms", "1s", "1ms").run(t)
		b.nth(4) // one of the last three was long
		pass(t.Context(), 999*time.Millisecond)
		if synctest.Wait(); len(b.asked) != 0 {
			t.Error("asked, though a task that was just done took a second")
		}
		b.end(t)
	})
}

func TestHeldTaskIsHandedBackWhenTheSlotIsNotFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "50ms", "50ms", "50ms", "1m", "50ms").run(t)
		fourth := b.held(t)
		b.expect(t, "r4", mapreduce.HandBack, fourth.Add(50*time.Millisecond+holdOn))
		synctest.Wait()
		if running := b.w.running.list(); len(running) != 1 || running[0].Receipt != "r3" {
			t.Errorf("registered are %+v", running)
		}
		b.deliveries <- mapreduce.Delivery{Receipt: "another"}
		pass(t.Context(), 30*time.Second)
		if len(b.asked) != 0 || len(b.deliveries) != 1 {
			t.Error("a task that takes long asked once more")
		}
		b.end(t)
	})
}

// A program may not listen when it is told to stop. Its slot's next task need not wait for it.
func TestHeldTaskIsHandedBackAtOnceWhenTheWorkerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "50ms", "50ms", "50ms", "1m", "50ms")
		deaf, lasts := make(chan struct{}), b.w.Program
		b.w.Program = func(name string) (mapreduce.Program, error) {
			p, err := lasts(name)
			mapper, _ := p.Mapper(nil)
			return program(name, func(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
				err := mapper.Map(ctx, batch, out)
				if ctx.Err() != nil {
					<-deaf
				}
				return err
			}), err
		}
		b.run(t).held(t)
		b.stop()
		b.expect(t, "r4", mapreduce.HandBack, time.Now())
		close(deaf)
		b.expect(t, "r3", mapreduce.HandBack, time.Now())
		b.end(t)
		if last := b.calls[len(b.calls)-1]; last != "good-bye" {
			t.Errorf("the last call is %q", last)
		}
	})
}

func TestHeldTaskWhoseJobEndsIsDiscardedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "50ms", "50ms", "50ms", "50ms", "50ms", "50ms").run(t)
		b.held(t)
		fifth := taskID(mapreduce.Map, 4)
		b.w.running.end(mapreduce.Over{UID: "u", Task: &fifth}, errOver)
		b.expect(t, "r4", mapreduce.Discard, time.Now())
		b.nth(1) // the sixth, by an ordinary pull
		b.end(t)
		if _, done := b.commits[fifth]; done || len(b.failures) > 0 {
			t.Errorf("the task was done, or failed: %+v", b.failures)
		}
	})
}

func TestTaskThatIsOverBeforeItBeginsIsNotBegun(t *testing.T) {
	s := newSurroundings()
	w := s.worker(t)
	a := w.receive(t.Context(), delivery(planned(t, s, "wordcount", "a")[0]))
	w.running.end(mapreduce.Over{UID: "u"}, errOver)
	_, settle := w.perform(t.Context(), a)
	settle()
	checkCalls(t, s, "discard r0")
}

// A worker that is killed takes to its grave what no heartbeat has named. How long a task runs counts from when it began.
func TestHeldTaskIsNamedAndBeginsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "50ms", "50ms", "50ms", "50ms", "50ms").run(t)
		fourth := b.held(t)
		b.nth(1)
		if got := time.Since(fourth); got != 50*time.Millisecond {
			t.Errorf("the fifth began after %s", got)
		}
		for _, r := range b.w.running.list() {
			if r.Receipt == "r4" && !r.Since.Equal(time.Now()) {
				t.Errorf("it is said to run for %s when it begins", time.Since(r.Since))
			}
		}
		pass(t.Context(), 51*time.Millisecond)
		b.end(t)
		if got := b.commits[taskID(mapreduce.Map, 4)].Took; got != 50*time.Millisecond {
			t.Errorf("it took %s", got)
		}
	})
}

// The answer may be lost with the server. Then the slot is free for what comes next.
func TestSlotDoesNotWaitLongForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "50ms", "50ms", "50ms", "50ms", "50ms")
		b.silent = true
		begun := b.run(t).nth(5)
		if got, want := begun[4]-begun[3], 50*time.Millisecond+holdOn+pullTakes; got != want {
			t.Errorf("the fifth began %s after the fourth, want %s", got, want)
		}
		b.end(t)
	})
}

// A slot of tasks that come one by one would pay for a request with each. It asks less and less, and again with each task when
// there is something to be had.
func TestSlotThatAsksInVainLetsTasksPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tasks = 62
		b := stocking(t, nil, slices.Repeat([]string{"50ms"}, tasks)...)
		b.dry = append(slices.Repeat([]bool{true}, 6), false, true)
		var asked []int // during which task
		begun := b.run(t).nth(tasks)
		last := time.Now()
		for len(b.asked) > 0 {
			at := (<-b.asked).Sub(last) + begun[tasks-1]
			asked = append(asked, sort.Search(tasks, func(i int) bool { return begun[i] > at }))
		}
		if want := []int{4, 6, 9, 14, 23, 40, 57, 58, 60, 61}; !slices.Equal(asked, want) {
			t.Errorf("asked during tasks %v, want %v", asked, want)
		}
		b.end(t)
	})
}

// What a slot asks for ahead is of the class that it is at. While that class never runs dry, the others must not wait for ever.
func TestSlotOfSeveralClassesPullsNowAndThen(t *testing.T) {
	for also, want := range map[mapreduce.Class][]int{"": nil, mapreduce.Exec: {11, 20}} {
		synctest.Test(t, func(t *testing.T) {
			const gap, none = 55 * time.Millisecond, 50 * time.Millisecond
			b := stocking(t, nil, slices.Repeat([]string{"50ms"}, 30)...)
			if also != "" {
				b.w.Also = []mapreduce.Class{also}
			}
			begun := b.run(t).nth(30)
			var pulled []int // after the first three, which tasks came by a pull
			for n := 4; n < 30; n++ {
				if begun[n]-begun[n-1] == gap {
					pulled = append(pulled, n-1)
				} else if begun[n]-begun[n-1] != none {
					t.Errorf("task %d began %s after the one before", n, begun[n]-begun[n-1])
				}
			}
			if !slices.Equal(pulled, want) {
				t.Errorf("with %q pulled behind tasks %v, want %v", also, pulled, want)
			}
			b.end(t)
		})
	}
}

func TestTaskLeftToOthersIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		avoid := func(tasks []mapreduce.Task) { tasks[4].Avoid = []mapreduce.WorkerID{"w"} }
		b := stocking(t, avoid, "50ms", "50ms", "50ms", "50ms", "50ms").run(t)
		b.nth(4)
		asked := <-b.asked
		b.expect(t, "r4", mapreduce.Later, asked.Add(pullTakes))
		b.end(t)
	})
}

// A slot that was given what it cannot do leaves the queue to others for a moment, also what it holds.
func TestSlotThatRestsHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		foreign := func(tasks []mapreduce.Task) { tasks[3].ID.Phase = "other" }
		b := stocking(t, foreign, "10ms", "10ms", "10ms", "10ms", "10ms")
		// The third is committed when the fourth is refused, which takes no time: until then the slot asks.
		b.w.Commits = stuck{b.w.Commits, pullTakes + time.Millisecond}
		b.run(t).nth(3)
		asked := <-b.asked
		got := []settled{<-b.settled, <-b.settled}
		slices.SortFunc(got, func(a, b settled) int { return strings.Compare(a.receipt, b.receipt) })
		want := []settled{{"r3", mapreduce.HandBack, asked.Add(time.Millisecond)}, {"r4", mapreduce.HandBack, asked.Add(pullTakes)}}
		if !slices.Equal(got, want) {
			t.Errorf("settled %+v, want %+v", got, want)
		}
		b.end(t)
	})
}

func TestSlotsForPlansAndFinishesDoNotAskAhead(t *testing.T) {
	w := stocking(t, nil).w
	if w.slot(mapreduce.IO).backlog != nil || w.slot(w.Class).backlog == nil {
		t.Error("an io slot asks ahead, or no other does")
	}
}

// One task is executed while the one before is committed, and no third is begun.
func TestTaskIsExecutedWhileTheOneBeforeIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "50ms", "50ms", "50ms")
		b.w.Commits = stuck{b.w.Commits, time.Hour}
		b.run(t).nth(2)
		pass(t.Context(), time.Minute)
		if synctest.Wait(); len(b.begun) != 0 || len(b.w.running.list()) != 2 {
			t.Errorf("%d more begun; registered are %+v", len(b.begun), b.w.running.list())
		}
		b.nth(1)
		b.end(t)
	})
}

// A job has one plan and one finish: there is no gap to fill, and a worker that cannot commit its own takes none of others.
func TestPlanIsCommittedBeforeTheSlotTakesAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stocking(t, nil, "50ms", "50ms")
		b.w.Commits = stuck{b.w.Commits, time.Hour}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		io := b.w.slot(mapreduce.IO)
		io.run(ctx, b.w.receive(ctx, <-b.deliveries))
		if running := b.w.running.list(); len(running) != 0 || len(b.commits) != 2 { // with that of the plan before
			t.Errorf("registered are %+v, %d commits", running, len(b.commits))
		}
	})
}
