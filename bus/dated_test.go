package bus

import (
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// A leader whose clock was wrong has written dates by which others would remove what is young, or keep what is old.
func TestRecordsOfAWrongClockHaveTheDatesOfTheBus(t *testing.T) {
	t.Parallel()
	stored := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for _, wrong := range []time.Duration{-8 * 24 * time.Hour, 8 * 24 * time.Hour} {
		at := stored.Add(wrong)
		r := dated(mapreduce.Record{State: mapreduce.Done, At: at, Summary: &mapreduce.Summary{Ended: at, Rows: 3}}, stored)
		if !r.At.Equal(stored) || !r.Summary.Ended.Equal(stored) || r.Summary.Rows != 3 {
			t.Errorf("a clock that is %s ahead: %s, ended %s", wrong, r.At, r.Summary.Ended)
		}
	}
	at := stored.Add(-time.Second)
	r := dated(mapreduce.Record{State: mapreduce.Done, At: at, Summary: &mapreduce.Summary{Ended: at}}, stored)
	if !r.At.Equal(at) || !r.Summary.Ended.Equal(at) {
		t.Errorf("a clock that is right: %s, ended %s", r.At, r.Summary.Ended)
	}
}
