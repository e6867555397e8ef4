package bus

import (
	"slices"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// Servers that elect a leader are given the time for it; a lane of one server is not waited for that long.
func TestLaneWithCopiesIsWaitedForLonger(t *testing.T) {
	t.Parallel()
	b := &Bus{names: names{DefaultPrefix}}
	lane := mapreduce.Lane{UID: "u", Reader: mapreduce.Reduce, Generation: 1}
	b.copies.set("u", replicas)
	b.copies.set("v", 1)
	for uid, patient := range map[mapreduce.UID]bool{"u": true, "v": false, "unknown": false} {
		lane.UID = uid
		if wait := b.awayWait(b.names.lane(lane)); (wait == electWait) != patient || !patient && wait != laneWait {
			t.Errorf("a lane of %s is waited for for %s", uid, wait)
		}
	}
	for i := range copiesKnown {
		b.copies.set(mapreduce.UID(rune('a'+i)), 1)
	}
	if len(b.copies.of) > copiesKnown {
		t.Errorf("it remembers %d jobs", len(b.copies.of))
	}
}

// A leader that makes lanes of three copies may find one of a single copy, whose server has died: nobody says how many copies it has.
func TestSilentLaneIsGivenUpWhenAnElectionWouldBeOver(t *testing.T) {
	t.Parallel()
	lane := mapreduce.Lane{UID: "u", Reader: mapreduce.Reduce, Generation: 1}
	for _, c := range []struct {
		copies int
		alone  bool
		silent time.Duration
		gone   bool
	}{
		{copies: 3, silent: 0},
		{copies: 3, silent: electWait - 5*time.Second},
		{copies: 3, silent: electWait + time.Second, gone: true},
		{copies: 3, silent: time.Hour, gone: true}, // its maps take long, and who misses it says so rarely
		{copies: 3, alone: true, gone: true},
		{copies: 1, gone: true},
	} {
		b := &Bus{names: names{DefaultPrefix}, shape: Shape{DataReplicas: c.copies}, absences: absences{all: map[string]awayFor{}}}
		now := time.Now()
		a := across{Storage: b.Storage(), began: now.Add(-time.Minute), back: now.Add(-time.Minute)}
		a.silences.since = map[string]time.Time{b.names.lane(lane): now.Add(-c.silent)}
		a.alone.Store(c.alone)
		gone, open := a.judge([]mapreduce.Lane{lane}, map[mapreduce.Lane]bool{lane: true})
		if slices.Contains(gone, lane) != c.gone || len(open) > 0 {
			t.Errorf("%+v: gone are %v, open %v", c, gone, open)
		}
	}
}
