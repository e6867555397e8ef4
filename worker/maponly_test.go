package worker

import (
	"testing"

	"jetreduce/mapreduce"
)

// A worker whose maps do not keep the order of the input makes no rows that are to come in it. In another order it does.
func TestRowsInTheOrderOfTheInputAreForWhoKeepsIt(t *testing.T) {
	for order, want := range map[string]string{"": "hand back r0", "bytes": "complete r0"} {
		s := newSurroundings()
		task := whole(t, s, "wordcount", "zeta alpha")
		task.MapOnly, task.Reduces, task.Target = true, 0, &mapreduce.Target{Order: order}
		s.calls = nil
		w := s.worker(t)
		builtin := w.Program
		w.Program = func(name string) (mapreduce.Program, error) {
			p, err := builtin(name)
			p.Shuffled = true
			return p, err
		}
		w.attempt(t.Context(), delivery(task))
		if last := s.calls[len(s.calls)-1]; last != want {
			t.Errorf("order %q: %q, failures %+v; want %q", order, s.calls, s.failures, want)
		}
	}
}
