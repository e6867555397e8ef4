package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stage is what all benchmarks share: this binary, how much to do, and where.
type Stage struct {
	Dir    string  // inputs are made here once, and stay
	Self   string  // the jetreduce binary
	Rounds int     // that count, of what is run several times
	Scale  float64 // factor on all sizes: 1 is what the targets mean
	Peers  []Peer  // what other systems reached on this machine; may be none

	work string // a directory of the benchmark that runs
}

// bytes is a size of input, to scale.
func (s *Stage) bytes(full int64) int64 { return max(int64(float64(full)*s.Scale), 1) }

// count is a number of things, to scale, and no fewer than least.
func (s *Stage) count(full, least int) int { return max(int(float64(full)*s.Scale), least) }

// times is how often something is tried whose median counts. A larger scale makes things larger, not more.
func (s *Stage) times(full int) int { return max(int(float64(full)*min(s.Scale, 1)), 3) }

// scratch and cache are where processes leave what they need for a while.
const scratch, cache = "scratch", "cache"

func (s *Stage) furnish() error {
	return errors.Join(os.Mkdir(s.in(scratch), 0o700), os.Mkdir(s.in(cache), 0o700))
}

// in is a file or a directory of the benchmark that runs.
func (s *Stage) in(name string) string { return filepath.Join(s.work, name) }

// env is the environment of all processes: what they leave is in the work directory.
func (s *Stage) env(more ...string) []string {
	return append(Environment(s.in(scratch), s.in(cache)), more...)
}

// Environment is that of this process without what names a server or a store: the user's must neither be measured nor be
// touched. What processes leave is in two directories, which may be one.
func Environment(scratch, cache string) []string {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return slices.ContainsFunc([]string{"NATS_", "JETREDUCE_", "XDG_", "TMPDIR="}, func(prefix string) bool {
			return strings.HasPrefix(variable, prefix)
		})
	})
	return append(env, "XDG_CACHE_HOME="+cache, "XDG_STATE_HOME="+cache, "TMPDIR="+scratch)
}

// input is the path of an input, which write makes unless it is there. The name says all that it depends on.
func (s *Stage) input(name string, write func(io.Writer) error) (string, error) {
	path := filepath.Join(s.Dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	draft, err := os.CreateTemp(s.Dir, "draft-")
	if err != nil {
		return "", err
	}
	out := bufio.NewWriterSize(draft, 1<<20)
	err = errors.Join(write(out), out.Flush(), draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("make input %s: %w", name, err), os.Remove(draft.Name()))
	}
	return path, nil
}

// text is the path of such a text.
func (s *Stage) text(t Text) (string, error) {
	return s.input(fmt.Sprintf("text-%d-%d.txt", t.Bytes, t.Distinct), func(w io.Writer) error {
		_, err := t.WriteTo(w)
		return err
	})
}

// taskLine is the input of a task that does not read it.
const taskLine = "x\n"

// lines is the path of an input of so many short lines: a split each, where the split size is 1.
func (s *Stage) lines(n int) (string, error) {
	return s.input(fmt.Sprintf("lines-%d.txt", n), func(w io.Writer) error {
		for range n {
			if _, err := io.WriteString(w, taskLine); err != nil {
				return err
			}
		}
		return nil
	})
}
