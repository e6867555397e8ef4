package bus

import (
	"testing"

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
