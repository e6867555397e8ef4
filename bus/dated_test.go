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
	for _, ended := range []time.Time{at, at.Add(-time.Hour)} { // a job may be swept by a later leader
		r := dated(mapreduce.Record{State: mapreduce.Done, At: at, Summary: &mapreduce.Summary{Ended: ended}}, stored)
		if !r.At.Equal(at) || !r.Summary.Ended.Equal(ended) {
			t.Errorf("a clock that is right: %s, ended %s, want %s", r.At, r.Summary.Ended, ended)
		}
	}
	r := dated(mapreduce.Record{State: mapreduce.Done, At: at, Summary: &mapreduce.Summary{Ended: at.Add(time.Hour)}}, stored)
	if !r.Summary.Ended.Equal(stored) {
		t.Errorf("it will have ended %s", r.Summary.Ended)
	}
}
