package bench_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jetreduce/internal/bench"
)

// prints is a contender that prints a text.
func prints(t *testing.T, text string) bench.Contender {
	return bench.Contender{Args: []string{"printf", "%s", text}, Output: filepath.Join(t.TempDir(), "output"), Prints: true}
}

func TestWrongAnswerHasNoSpeed(t *testing.T) {
	t.Parallel()
	duel := bench.Duel{Ours: prints(t, "a 1"), Baseline: prints(t, "a 2"), Rounds: 1}
	if o, err := duel.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "differ") {
		t.Errorf("outputs differ: %v, %v", o, err)
	}
	duel.Check = func() error { return nil }
	if _, err := duel.Run(t.Context()); err != nil {
		t.Errorf("the check is content: %v", err)
	}
}

func TestEachRoundCountsButTheFirst(t *testing.T) {
	t.Parallel()
	o, err := bench.Duel{Ours: prints(t, "same"), Baseline: prints(t, "same"), Rounds: 3}.Run(t.Context())
	if err != nil || len(o.Ours) != 3 || len(o.Baseline) != 3 {
		t.Errorf("%v: %v", o, err)
	}
}

func TestContenderThatFailsEndsTheDuel(t *testing.T) {
	t.Parallel()
	fails := prints(t, "")
	fails.Args = []string{"sh", "-c", "echo why >&2; exit 3"}
	if _, err := (bench.Duel{Ours: fails, Baseline: prints(t, ""), Rounds: 1}).Run(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "why") {
		t.Errorf("%v", err)
	}
}

func TestOutcomeIsComparedByMedians(t *testing.T) {
	t.Parallel()
	o := bench.Outcome{Ours: []time.Duration{9, 2, 1}, Baseline: []time.Duration{4, 100, 3}}
	if o.Ratio() != 2 {
		t.Errorf("ratio %g, want 2", o.Ratio())
	}
}

func file(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A difference must be seen wherever it is: files are compared a megabyte at a time.
func TestFilesThatDifferAnywhereDiffer(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 2 << 20} {
		text := bytes.Repeat([]byte("x"), size)
		path := file(t, text)
		if err := bench.Same(path, file(t, text)); err != nil {
			t.Errorf("%d equal bytes: %v", size, err)
		}
		if bench.Same(path, file(t, append(text, 'y'))) == nil || bench.Same(file(t, append(text, 'y')), path) == nil {
			t.Errorf("%d bytes, and one more: the same", size)
		}
		if size > 0 {
			text[size-1] = 'y'
			if bench.Same(path, file(t, text)) == nil {
				t.Errorf("%d bytes, the last another: the same", size)
			}
		}
	}
}
