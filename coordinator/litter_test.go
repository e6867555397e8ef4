package coordinator_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"jetreduce/mapreduce"
)

// Whoever may write one record may write many. A leader that cannot keep them all does not decide; but somebody has to take them away, or
// nobody would ever lead again.
func TestLeaderThatLitterKeepsFromDecidingTakesItAway(t *testing.T) {
	var records []mapreduce.Event
	for n := range 1<<16 + 1 {
		c := committed(mapreduce.Map, n%1000)
		c.Task.UID, c.Task.Generation = mapreduce.UID(fmt.Sprintf("litter%d", n%3)), mapreduce.Generation(n)
		records = append(records, c)
	}
	asked, err := leadFromTheBeginning(nil, append(records, mapreduce.Replayed{}, beat("w1"), submitted(9, count()))...)
	if errors.Is(err, errScriptEnds) || err == nil {
		t.Errorf("ended with %v", err)
	}
	for _, uid := range []string{"litter0", "litter1", "litter2"} {
		if !slices.Contains(asked, "erase "+uid) {
			t.Errorf("%s stays", uid)
		}
	}
	if slices.Contains(asked, "write u1 queued") {
		t.Error("it decided all the same")
	}
}
