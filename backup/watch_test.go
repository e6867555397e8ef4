package backup

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// look is one look of a standby, so long after the one before it.
type look struct {
	after time.Duration
	fails bool
	moved bool
}

func TestSilenceIsCountedWhileTheBusAnswersAndNoLonger(t *testing.T) {
	t.Parallel()
	const tick, gap = 250 * time.Millisecond, 501 * time.Millisecond
	ok := look{after: tick}
	for _, tc := range []struct {
		name  string
		looks []look
		due   bool
	}{
		{"one look", []look{ok}, false},
		{"less than the silence", []look{ok, ok, ok, ok}, false},
		{"the silence", []look{ok, ok, ok, ok, ok}, true},
		{"slow looks count", []look{ok, {after: 500 * time.Millisecond}, {after: 500 * time.Millisecond}}, true},
		{"a renewal", []look{ok, ok, ok, ok, {after: tick, moved: true}}, false},
		{"a gap", []look{ok, {after: time.Hour}}, false},
		{"a gap voids what was counted", []look{ok, ok, ok, ok, {after: gap}, ok, ok, ok}, false},
		{"the silence after a gap", []look{ok, {after: gap}, ok, ok, ok, ok}, true},
		{"a look that fails", []look{ok, ok, ok, {after: tick, fails: true}, ok, ok}, false},
		{"the silence after a failure", []look{{after: tick, fails: true}, ok, ok, ok, ok, ok}, true},
	} {
		w := watch{config: Config{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}.withDefaults()}
		seen, now := mapreduce.Leadership{Epoch: 7, Revision: 7}, time.Unix(1, 0)
		for _, l := range tc.looks {
			now = now.Add(l.after)
			if l.moved {
				seen.Revision++
			}
			if l.fails {
				w.blind()
			} else {
				w.saw(now, seen)
			}
		}
		if w.due() != tc.due {
			t.Errorf("%s: due %t, want %t; quiet for %s", tc.name, w.due(), tc.due, w.quiet)
		}
	}
}
