package worker

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

func chunkOf(splits int) mapreduce.PlanChunk {
	chunk := mapreduce.PlanChunk{Version: mapreduce.RecordVersion, Sources: []mapreduce.Source{{Name: "a", Size: 100}}}
	for i := range splits {
		chunk.Splits = append(chunk.Splits, [][3]int64{{0, int64(i), 1}})
	}
	return chunk
}

func ref(chunk, index int) mapreduce.PlanRef {
	return mapreduce.PlanRef{Plan: taskID(mapreduce.Plan, 0), Attempt: planner, Chunk: chunk, Index: index}
}

// The maps of one chunk follow each other, in all slots at once.
func TestChunkIsLoadedOnceForItsSplits(t *testing.T) {
	s := newSurroundings()
	s.chunks[ref(0, 0)] = chunkOf(20)
	cache := planCache{source: s}
	var slots sync.WaitGroup
	for i := range 20 {
		slots.Go(func() {
			split, err := cache.split(t.Context(), ref(0, i))
			if err != nil || split[0].Offset != int64(i) {
				t.Errorf("split %d: %+v, error %v", i, split, err)
			}
		})
	}
	slots.Wait()
	checkCalls(t, s, "load chunk 0")
}

func TestCacheKeepsFewChunksAndNoOthersSplits(t *testing.T) {
	s := newSurroundings()
	for chunk := range 10 {
		s.chunks[ref(chunk, 0)] = chunkOf(chunk + 1)
	}
	cache := planCache{source: s}
	for chunk := range 10 {
		for range 2 {
			if _, err := cache.split(t.Context(), ref(chunk, chunk)); err != nil {
				t.Error(err)
			}
		}
	}
	if len(s.calls) != 10 || len(cache.recent) > 4 {
		t.Errorf("%d chunks are kept after %q", len(cache.recent), s.calls)
	}
	other := ref(9, 0)
	other.Attempt.N++ // another attempt's plan
	if _, err := cache.split(t.Context(), other); err == nil {
		t.Error("one attempt's split was taken for another's")
	}
}

func TestChunkThatCannotBeLoadedIsAskedForAgain(t *testing.T) {
	s := newSurroundings()
	cache := planCache{source: s}
	if _, err := cache.split(t.Context(), ref(0, 0)); err == nil {
		t.Error("a split of no chunk")
	}
	s.chunks[ref(0, 0)] = chunkOf(1)
	if _, err := cache.split(t.Context(), ref(0, 0)); err != nil {
		t.Error(err)
	}
	if _, err := cache.split(t.Context(), ref(0, 1)); err == nil {
		t.Error("a split that the chunk does not have")
	}
}

// Two attempts may write plans: each names its own chunks.
func TestPlanIsStoredUnderTheNameOfItsAttempt(t *testing.T) {
	s := newSurroundings()
	var lines []string
	for i := range 2000 {
		lines = append(lines, fmt.Sprint("line ", i))
	}
	tasks := planned(t, s, "wordcount", lines...)
	if len(tasks) != len(lines) || len(s.chunks) < 2 {
		t.Fatalf("%d splits in %d chunks", len(tasks), len(s.chunks))
	}
	commit := s.commits[taskID(mapreduce.Plan, 0)]
	for chunk := range s.chunks {
		if chunk.Attempt != commit.Attempt || chunk.Plan != commit.Task || chunk.Chunk >= len(commit.Plan.Firsts) {
			t.Errorf("stored %+v, committed %+v", chunk, commit)
		}
	}
}

func TestPlanOfAMissingInputSaysThatAnotherWorkerMayHaveIt(t *testing.T) {
	s := newSurroundings()
	task := mapreduce.Task{ID: taskID(mapreduce.Plan, 0), Inputs: []string{"/no/such/file"}}
	s.worker(t).attempt(t.Context(), delivery(task))
	if !slices.Equal(s.calls, []string{"fail u.plan.0.1", "discard r0"}) || !s.failures[0].Absent {
		t.Errorf("calls %q, failures %+v", s.calls, s.failures)
	}
}

func TestOutputThatExistsFailsBeforeTheWork(t *testing.T) {
	s := newSurroundings()
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	task := mapreduce.Task{ID: taskID(mapreduce.Plan, 0), Inputs: []string{there}, Target: &mapreduce.Target{To: output.URL(there)}}
	s.worker(t).attempt(t.Context(), delivery(task))
	if !slices.Equal(s.calls, []string{"fail u.plan.0.1", "discard r0"}) || !s.failures[0].Permanent {
		t.Errorf("calls %q, failures %+v", s.calls, s.failures)
	}
	task.Target.Force = true
	s = newSurroundings()
	s.worker(t).attempt(t.Context(), delivery(task))
	if len(s.failures) > 0 {
		t.Errorf("with force: %+v", s.failures)
	}
}

func TestProgramMayRefuseItsInputs(t *testing.T) {
	s := newSurroundings()
	p := program("choosy", nil)
	p.Inputs = func(args map[string]string, names iter.Seq[string]) error {
		for name := range names {
			return fmt.Errorf("no %s among inputs such as %s", args["left"], filepath.Base(name))
		}
		return nil
	}
	path := filepath.Join(t.TempDir(), "right.tsv")
	if err := os.WriteFile(path, []byte("a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	task := mapreduce.Task{ID: taskID(mapreduce.Plan, 0), Program: "choosy", Args: map[string]string{"left": "users"}, Inputs: []string{path}}
	s.worker(t, p).attempt(t.Context(), delivery(task))
	const want = "program choosy: no users among inputs such as right.tsv"
	if len(s.failures) != 1 || !s.failures[0].Permanent || s.failures[0].Reason != want {
		t.Errorf("failures %+v, want %s", s.failures, want)
	}
}
