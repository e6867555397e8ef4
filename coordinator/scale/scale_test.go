package scale

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// small is a cluster that is simulated in a moment.
func small() Config {
	return Config{Seed: 1, Workers: 30, Splits: 2000, Task: 300 * time.Millisecond}
}

func TestJobIsDoneByAllItsTasks(t *testing.T) {
	r := Run(small())
	if got := r.Kinds["Commit"].Count; got != r.Tasks() || r.Reduces == 0 {
		t.Errorf("%d commits, R = %d, want %d and some", got, r.Reduces, r.Tasks())
	}
	if r.Messages.Tasks != r.Tasks() || r.Messages.Acks != r.Tasks() {
		t.Errorf("%d tasks handed out, %d acks, want %d of both: nobody died", r.Messages.Tasks, r.Messages.Acks, r.Tasks())
	}
	ideal := time.Duration(2000/60) * 300 * time.Millisecond
	if r.Makespan < ideal || r.Makespan > 2*ideal {
		t.Errorf("makespan %s, ideal %s", r.Makespan, ideal)
	}
}

func TestSeedIsOneRun(t *testing.T) {
	config := small()
	config.KillRate, config.Slow = 20, 0.01
	one, other := Run(config), Run(config)
	if one.Makespan != other.Makespan || one.Messages != other.Messages || !maps.Equal(one.Commands, other.Commands) {
		t.Errorf("one seed, two runs:\n%+v\n%+v", one, other)
	}
	config.Seed++
	if third := Run(config); third.Makespan == one.Makespan {
		t.Errorf("two seeds, one run: %s", third.Makespan)
	}
}

func TestJobIsDoneThoughWorkersDie(t *testing.T) {
	config := small()
	config.KillRate = 20
	r := Run(config)
	if got := r.Kinds["Commit"].Count; got != r.Tasks() || r.Deaths == 0 {
		t.Errorf("%d commits, want %d; %d deaths", got, r.Tasks(), r.Deaths)
	}
	if r.Commands["WriteFailure"] == 0 || r.Commands["HandOn"] == 0 {
		t.Errorf("%d workers died: %v", r.Deaths, r.Commands)
	}
}

// A bus that takes its time holds up the job, and events wait for the leader.
func TestBusBoundsTheJob(t *testing.T) {
	config := small()
	config.Bus = Bus{Trip: 10 * time.Millisecond, Each: 10 * time.Millisecond, Commit: 10 * time.Millisecond}
	r := Run(config)
	if least := time.Duration(r.Tasks()) * config.Bus.Commit; r.Makespan < least || r.Behind < 2 {
		t.Errorf("makespan %s with %s for the commits alone; %d events waited", r.Makespan, least, r.Behind)
	}
}

func TestTakeoverKnowsAllTasksAndQueuesTheRest(t *testing.T) {
	r := TakeOver(small())
	const window = 3 * 30 * 2
	if r.Records != 2000-window+4 || r.Queued != window {
		t.Errorf("%d records, %d tasks queued, want %d and %d", r.Records, r.Queued, 2000-window+4, window)
	}
	if r.Heap <= 0 || r.Leading < r.Heap {
		t.Errorf("%d bytes, %d when it leads", r.Heap, r.Leading)
	}
}

func TestTablesTellAllThatWasMeasured(t *testing.T) {
	r := Run(small())
	var out strings.Builder
	r.Print(&out)
	for _, name := range slices.Concat(slices.Collect(maps.Keys(r.Kinds)), slices.Collect(maps.Keys(r.Commands))) {
		if !strings.Contains(out.String(), name) {
			t.Errorf("nothing is said of %s:\n%s", name, out.String())
		}
	}
}
