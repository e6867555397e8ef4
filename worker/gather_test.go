package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/shuffle"
)

// publishRun puts a run of one record on a lane.
func (s *surroundings) publishRun(t *testing.T, generation mapreduce.Generation, owner shuffle.RunOwner, key string) {
	t.Helper()
	sorter := shuffle.NewSorter(shuffle.SorterConfig{})
	sorter.Emit([]byte(key), []byte(owner.Attempt.String()))
	lane := mapreduce.Lane{UID: "u", Reader: mapreduce.Reduce, Generation: generation}
	_, err := sorter.Flush(t.Context(), owner, func(_ int, chunk []byte) error {
		s.lanes[lane] = append(s.lanes[lane], chunk)
		return nil
	})
	if err = errors.Join(err, sorter.Close()); err != nil {
		t.Fatal(err)
	}
}

// gatherer gathers from lanes 1 and 2, and says what it found: key, and the attempt that its run was of.
func gatherer(w *Worker) func(roster mapreduce.Roster) ([]string, error) {
	task := mapreduce.Task{
		ID: mapreduce.TaskID{UID: "u", Phase: mapreduce.Reduce, Generation: 1}, Lanes: []mapreduce.Generation{1, 2},
	}
	return func(roster mapreduce.Roster) (found []string, err error) {
		err = w.Gather(context.Background(), task, roster, func(key []byte, values iter.Seq[[]byte]) error {
			for value := range values {
				found = append(found, fmt.Sprintf("%s %s", key, value))
			}
			return nil
		})
		return found, err
	}
}

// Whose server is gone for good would be waited for, by each reader.
func TestLaneThatIsNotNeededIsNotRead(t *testing.T) {
	s := newSurroundings()
	w := s.worker(t)
	runs := &readLanes{Runs: w.Runs}
	w.Runs = runs
	one := mapreduce.Attempt{Worker: "w", N: 1}
	s.publishRun(t, 2, shuffle.RunOwner{Task: 0, Attempt: one}, "key")
	got, err := gatherer(w)(mapreduce.Roster{one})
	if err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if want := []mapreduce.Generation{2}; !slices.Equal(runs.read, want) {
		t.Errorf("read were lanes of generations %v, want %v", runs.read, want)
	}
}

// readLanes notes the generations of the lanes that are read.
type readLanes struct {
	Runs
	read []mapreduce.Generation
}

func (r *readLanes) Fetch(ctx context.Context, lane mapreduce.Lane, yield func(chunk []byte) error) error {
	r.read = append(r.read, lane.Generation)
	return r.Runs.Fetch(ctx, lane, yield)
}

// Gather takes the runs of the attempts that it is told, wherever they stand, and nothing of any other map.
func TestGatherTakesSomeMaps(t *testing.T) {
	s := newSurroundings()
	gather := gatherer(s.worker(t))
	one, two, lost := mapreduce.Attempt{Worker: "w", N: 1}, mapreduce.Attempt{Worker: "w", N: 2}, mapreduce.Attempt{Worker: "w", N: 3}
	for n := range 4 {
		s.publishRun(t, 1, shuffle.RunOwner{Task: n, Attempt: one}, fmt.Sprint("key", n))
	}
	s.publishRun(t, 2, shuffle.RunOwner{Task: 2, Attempt: two}, "again")
	got, err := gather(mapreduce.Roster{{}, one, two, {}})
	if want := []string{"again w-2", "key1 w-1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	_, err = gather(mapreduce.Roster{{}, one, lost})
	var missing mapreduce.RunsLost
	if !errors.As(err, &missing) || !slices.Equal(missing.Tasks, []int{2}) {
		t.Errorf("runs of map 2 are lost: %v", err)
	}
}
