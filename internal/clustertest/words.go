package clustertest

import (
	"context"
	"log/slog"
	"sync"

	"jetreduce/mapreduce"
)

// Said is a line of a role's log.
type Said struct {
	Role    string
	Message string
	Epoch   mapreduce.Epoch // 0: the line names none
}

// words are the logs of all roles, in one order: tests wait for what is said, and never for time.
type words struct {
	mu      sync.Mutex
	lines   []Said
	changed chan struct{} // closed when more was said
}

func newWords() *words { return &words{changed: make(chan struct{})} }

// of is the log of a role.
func (w *words) of(role string) *slog.Logger { return slog.New(voice{w, role}) }

// await waits for a line, be it one that was said before, and reports whether there is one.
func (w *words) await(ctx context.Context, is func(Said) bool) (Said, bool) {
	for looked := 0; ; {
		w.mu.Lock()
		lines, more := w.lines, w.changed
		w.mu.Unlock()
		for ; looked < len(lines); looked++ {
			if is(lines[looked]) {
				return lines[looked], true
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Said{}, false
		}
	}
}

// all is what was said so far.
func (w *words) all() []Said {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines
}

// voice is one role's.
type voice struct {
	words *words
	role  string
}

func (voice) Enabled(context.Context, slog.Level) bool { return true }
func (v voice) WithAttrs([]slog.Attr) slog.Handler     { return v }
func (v voice) WithGroup(string) slog.Handler          { return v }

func (v voice) Handle(_ context.Context, line slog.Record) error {
	said := Said{Role: v.role, Message: line.Message}
	line.Attrs(func(a slog.Attr) bool {
		if epoch, ok := a.Value.Any().(mapreduce.Epoch); ok && a.Key == "epoch" {
			said.Epoch = epoch
		}
		return true
	})
	v.words.mu.Lock()
	defer v.words.mu.Unlock()
	v.words.lines = append(v.words.lines, said)
	close(v.words.changed)
	v.words.changed = make(chan struct{})
	return nil
}
