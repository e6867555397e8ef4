package worker

import (
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// published is how many bytes stand on all lanes.
func (s *surroundings) published() (bytes int64) {
	for _, chunks := range s.lanes {
		for _, chunk := range chunks {
			bytes += int64(len(chunk))
		}
	}
	return bytes
}

func TestCommitSaysWhenItWasMadeAndHowMuchWasPublished(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "wordcount", strings.Repeat("b a b ", 1000))[0]
	task.Reduces, task.Speculative = 1, true
	w := s.worker(t)
	began := time.Now()
	w.attempt(t.Context(), delivery(task))
	c := s.commits[task.ID]
	if c.Counts.Shuffled == 0 || c.Counts.Shuffled != s.published() {
		t.Errorf("map: %d bytes published, %d stand on lanes", c.Counts.Shuffled, s.published())
	}
	if at := time.UnixMilli(c.Ended); at.Before(began.Truncate(time.Millisecond)) || at.After(time.Now()) || !c.Speculative {
		t.Errorf("map: made at %s, speculative %t", at, c.Speculative)
	}
	before := s.published()
	reduce := mapreduce.Task{
		ID: taskID(mapreduce.Reduce, 0), Program: "wordcount", Target: &mapreduce.Target{},
		Roster: &mapreduce.RosterRef{Tasks: 1, Inline: mapreduce.Roster{c.Attempt}.Encode()},
	}
	w.attempt(t.Context(), delivery(reduce))
	if c := s.commits[reduce.ID]; c.Counts.Shuffled == 0 || c.Counts.Shuffled != s.published()-before || c.Speculative {
		t.Errorf("reduce: %+v, %d bytes stand on its lane", c, s.published()-before)
	}
}

func TestFinishSaysHowManyBytesItHasWritten(t *testing.T) {
	s := newSurroundings()
	task, path := finishing(t, s, "b a b")
	s.worker(t).attempt(t.Context(), delivery(task))
	checkOutput(t, path, "a\t1\nb\t2\n")
	if c := s.commits[task.ID]; c.Counts.Out != 8 {
		t.Errorf("%d bytes, want 8", c.Counts.Out)
	}
}

func TestFailureSaysHowLongItTook(t *testing.T) {
	s := newSurroundings()
	task := planned(t, s, "nobody's", "a b")[0]
	task.Reduces, task.Split, task.Speculative = 0, nil, true
	task.Program = "wordcount"
	s.worker(t).attempt(t.Context(), delivery(task))
	if len(s.failures) != 1 || s.failures[0].Took <= 0 || s.failures[0].Took > time.Minute || !s.failures[0].Speculative {
		t.Errorf("recorded %+v", s.failures)
	}
}
