package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

func attemptAt(n uint32, outcome mapreduce.Outcome, from, to time.Duration) mapreduce.AttemptTime {
	a := mapreduce.AttemptTime{Outcome: outcome, Began: began.Add(from), Ended: began.Add(to)}
	a.Task = mapreduce.TaskID{UID: "u", Phase: mapreduce.Map, N: int(n), Generation: 1}
	a.Attempt = mapreduce.Attempt{Worker: "w1", N: n}
	if outcome == mapreduce.OutcomeRunning {
		a.Ended = time.Time{}
	}
	return a
}

func TestLaneIsDrawnToScale(t *testing.T) {
	t.Parallel()
	lane := []mapreduce.AttemptTime{
		attemptAt(1, mapreduce.OutcomeCommitted, 0, 2*time.Second), attemptAt(2, mapreduce.OutcomeFailed, time.Second, 4*time.Second),
		attemptAt(3, mapreduce.OutcomeRunning, 2*time.Second, 0),
	}
	x := newAxis(began, began.Add(7*time.Second))
	got := string(drawLane(x, lane, began.Add(7*time.Second)))
	want := `<svg class="lane" width="100%" height="30" role="img" aria-label="3 attempts, 1 committed, 1 running, 1 failed">`
	for at := range 8 {
		want += fmt.Sprintf(`<line x1="%[1]s" x2="%[1]s" y1="0" y2="100%%"/>`, percent(float64(at)*100/7))
	}
	want += `<g class="b-committed p-map"><title>map 1, committed, attempt w1-1, 2.0 s</title>` +
		`<rect x="0.00%" y="2" width="28.57%" height="10"/></g>` +
		`<g class="b-failed p-map"><title>map 2, failed, attempt w1-2, 3.0 s</title><rect x="14.29%" y="16" width="42.86%" height="10"/>` +
		`<text x="14.29%" y="24" dx="2">✕</text></g>` +
		`<g class="b-running p-map"><title>map 3, running, attempt w1-3, 5.0 s</title>` +
		`<rect x="28.57%" y="2" width="71.43%" height="10"/></g></svg>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What has ended stands still while the job goes on: the axis grows by steps.
func TestAxisGrowsBySteps(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]time.Duration{
		0: 100 * time.Millisecond, 650 * time.Millisecond: 700 * time.Millisecond, 31 * time.Second: 35 * time.Second,
		34 * time.Second: 35 * time.Second,
		83 * time.Second: 90 * time.Second, 90 * time.Minute: 90 * time.Minute, 10 * 24 * time.Hour: 10 * 24 * time.Hour,
	} {
		x := newAxis(began, began.Add(took))
		if x.span < took || took < 24*time.Hour && x.span != want || len(x.ticks()) > mostSteps+1 {
			t.Errorf("%s: spans %s by %s, want %s", took, x.span, x.step, want)
		}
	}
}

func TestAttemptsAtOneTimeStandBesideEachOther(t *testing.T) {
	t.Parallel()
	var lane []mapreduce.AttemptTime
	for i := range 40 {
		lane = append(lane, attemptAt(uint32(i), mapreduce.OutcomeCommitted, time.Duration(i), time.Second))
	}
	levels, deep := stack(lane, began)
	if deep != mostDeep || slices.Max(levels) != mostDeep-1 || !slices.IsSorted(levels) {
		t.Errorf("%d deep: %v", deep, levels)
	}
	if words := laneWords(lane); !strings.Contains(words, "40 committed") {
		t.Error(words)
	}
}

func TestNumbersAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		span(0): "0 s", span(-1): "0 s", span(5): "<1 ms", span(42 * time.Millisecond): "42 ms", span(1260 * time.Millisecond): "1.2 s",
		span(59 * time.Second): "59 s", span(3*time.Minute + 2*time.Second): "3m 02s", span(2*time.Hour + 5*time.Minute): "2h 05m",
		span(76 * time.Hour): "3d 04h",
		grouped(0):           "0", grouped(-1234): "-1,234", grouped(999): "999", grouped(1000): "1,000", grouped(int64(81203331)): "81,203,331",
		bytesOf(999): "999 B", bytesOf(1000): "1.0 kB", bytesOf(999_600): "1.0 MB", bytesOf(48_000_000_000): "48 GB",
		momentOf(began, began).Words: "10:24:05", momentOf(began, began.Add(24*time.Hour)).Words: "2026-03-02 10:24:05",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
