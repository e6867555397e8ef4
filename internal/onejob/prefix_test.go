package onejob

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

const uid = "u"

// shelf is runs as they stand on lanes, of maps that each found the word "all" once in each partition, and one of their own.
type shelf struct {
	t    *testing.T
	p    *prefix
	gone map[string]bool // runs: attempt/partition
	read map[string]int  // how often each was
	lane map[string]mapreduce.Generation
}

func newShelf(t *testing.T) *shelf {
	s := &shelf{t: t, gone: map[string]bool{}, read: map[string]int{}, lane: map[string]mapreduce.Generation{}}
	s.p = newPrefix(s.gather)
	return s
}

func (s *shelf) gather(_ context.Context, task mapreduce.Task, roster mapreduce.Roster,
	yield func([]byte, iter.Seq[[]byte]) error) error {
	var lost []int
	for n, a := range roster {
		run := fmt.Sprintf("%s/%d", a, task.ID.N)
		if !a.IsZero() && (s.gone[run] || !slices.Contains(task.Lanes, max(s.lane[run], 1))) {
			lost = append(lost, n)
		}
	}
	if len(lost) > 0 {
		return mapreduce.RunsLost{Tasks: lost, Cause: mapreduce.ErrRunsLost}
	}
	one := func(yield func([]byte) bool) { yield(binary.AppendVarint(nil, 1)) }
	for n, a := range roster {
		if a.IsZero() {
			continue
		}
		s.read[fmt.Sprintf("%s/%d", a, task.ID.N)]++
		for _, word := range []string{"all", fmt.Sprint("of", n)} {
			if err := yield([]byte(word), one); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *shelf) commit(n int, generation mapreduce.Generation) {
	attempt := mapreduce.Attempt{Worker: mapreduce.WorkerID(fmt.Sprintf("m%d", n)), N: uint32(generation)}
	s.p.note(mapreduce.Commit{Task: mapreduce.TaskID{UID: uid, Phase: mapreduce.Map, N: n, Generation: generation}, Attempt: attempt})
	for partition := range 2 {
		s.lane[fmt.Sprintf("%s/%d", attempt, partition)] = generation
	}
}

func (s *shelf) repair(generation mapreduce.Generation, tasks, partitions mapreduce.Ranges) {
	r := mapreduce.Repair{Generation: generation, Phase: mapreduce.Map, Tasks: tasks, Partitions: partitions}
	for range 2 { // records may come twice
		s.p.note(mapreduce.Restored{Record: mapreduce.Record{UID: uid, Repair: &r}})
	}
}

// extend looks again, in a job of five maps and two partitions, and expects so many splits to be covered.
func (s *shelf) extend(want int) {
	s.t.Helper()
	before := s.p.splits
	grown, err := s.p.extend(s.t.Context(), mapreduce.Status{
		UID: uid, Maps: mapreduce.Progress{Total: 5}, Reduces: mapreduce.Progress{Total: 2},
	})
	if err != nil || s.p.splits != want || grown != (want > before) {
		s.t.Fatalf("%d splits, grown %v, error %v; want %d", s.p.splits, grown, err, want)
	}
	var expected []string
	if want > 0 {
		expected = append(expected, fmt.Sprintf("all %d", 2*want))
	}
	for n := range want {
		expected = append(expected, fmt.Sprintf("of%d 2", n))
	}
	var held []string
	for _, count := range s.p.histogram() {
		held = append(held, fmt.Sprintf("%s %d", count.Word, count.N))
	}
	if !slices.Equal(held, expected) {
		s.t.Fatalf("holds %s, want %s", strings.Join(held, ", "), strings.Join(expected, ", "))
	}
}

// readOnce requires that no run was read twice.
func (s *shelf) readOnce(runs int) {
	s.t.Helper()
	for run, times := range s.read {
		if times > 1 {
			s.t.Errorf("%s was read %d times", run, times)
		}
	}
	if len(s.read) != runs {
		s.t.Errorf("%d runs were read, want %d: %v", len(s.read), runs, s.read)
	}
}

// An update covers exactly the longest prefix, never the last split, and each split is read once.
func TestPrefixEndsAtTheFirstGap(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.extend(0)
	s.commit(1, 1)
	s.commit(3, 1)
	s.extend(0)
	s.commit(0, 1)
	s.extend(2)
	s.extend(2)
	s.commit(4, 1)
	s.extend(2)
	s.commit(2, 1)
	s.extend(4)
	s.readOnce(8)
}

// A split whose runs are lost is left out until they are made again; then they are read where they stand. What was taken in before stays.
func TestPrefixGoesOnBehindARepair(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	for n := range 4 {
		s.commit(n, 1)
	}
	s.gone["m2-1/1"] = true
	s.extend(2)
	s.repair(2, mapreduce.RangesOf(2), mapreduce.RangesOf(1))
	s.extend(2)
	s.commit(2, 2)
	s.extend(4)
	if s.read["m2-1/0"] == 0 || s.read["m2-2/0"] > 0 || s.read["m2-2/1"] != 1 {
		t.Errorf("read %v", s.read)
	}
}

// Lanes may be moved: what is published behind that stands on lanes of a repair that has no tasks.
func TestPrefixReadsLanesThatWereMoved(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.commit(0, 1)
	s.repair(2, nil, mapreduce.RangesOf(0))
	s.commit(1, 1)
	s.lane["m1-1/0"] = 2
	s.extend(2)
	s.readOnce(4)
}

// As long as it is not known how many partitions there are, no split can be taken in: it would be without its words.
func TestPrefixWaitsUntilItsPartitionsAreKnown(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.commit(0, 1)
	grown, err := s.p.extend(t.Context(), mapreduce.Status{UID: uid, Maps: mapreduce.Progress{Total: 5}})
	if grown || err != nil || s.p.splits != 0 {
		t.Errorf("%d splits, grown %v, error %v", s.p.splits, grown, err)
	}
	s.extend(1)
}

// What is no count, or has no sum, is refused, and leaves the prefix as it was.
func TestPrefixRefusesWhatIsNoCount(t *testing.T) {
	t.Parallel()
	most := binary.AppendVarint(nil, math.MaxInt64)
	for name, bad := range map[string][][]byte{
		"empty": {{}}, "cut": {{0x80}}, "longer than its varint": {{2, 0}}, "nothing": {{0}}, "negative": {{1}},
		"beyond 64 bits": {most, {2}}, "beyond 64 bits, with what is held": {most},
	} {
		s := newShelf(t)
		s.commit(0, 1)
		s.extend(1)
		s.commit(1, 1)
		right := s.p.gather
		s.p.gather = func(_ context.Context, task mapreduce.Task, _ mapreduce.Roster, yield func([]byte, iter.Seq[[]byte]) error) error {
			if task.ID.N > 0 {
				return nil
			}
			return yield([]byte("all"), slices.Values(bad))
		}
		status := mapreduce.Status{UID: uid, Maps: mapreduce.Progress{Total: 5}, Reduces: mapreduce.Progress{Total: 2}}
		if grown, err := s.p.extend(t.Context(), status); grown || err == nil || !strings.Contains(err.Error(), `count of "all"`) {
			t.Errorf("%s: grown %v, error %v", name, grown, err)
		}
		s.p.gather = right
		s.extend(2)
	}
}

// A job that is begun anew begins its prefix anew.
func TestPrefixIsOfOneSubmission(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.commit(0, 1)
	s.extend(1)
	grown, err := s.p.extend(t.Context(), mapreduce.Status{
		UID: "other", Maps: mapreduce.Progress{Total: 5}, Reduces: mapreduce.Progress{Total: 2},
	})
	if grown || err != nil || s.p.splits != 0 || len(s.p.histogram()) != 0 {
		t.Errorf("another submission begins with %d splits (grown %v, error %v)", s.p.splits, grown, err)
	}
}
