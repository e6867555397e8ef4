package input

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"jetreduce/mapreduce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs f where the clock stands decades before the files' times, so that Plan need not wait until they are quiet.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// timeless hides the test's Deadline, which must not be asked for in a bubble, from rapid.
type timeless struct{ testing.TB }

func write(t *testing.T, path string, data string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// made is a plan as it came out of Plan.
type made struct {
	chunks  []mapreduce.PlanChunk
	summary mapreduce.PlanSummary
}

func tryPlan(t *testing.T, cfg PlanConfig, inputs ...string) (made, error) {
	t.Helper()
	var m made
	cfg.Store = func(chunk mapreduce.PlanChunk) error {
		m.chunks = append(m.chunks, chunk)
		return nil
	}
	summary, err := Plan(t.Context(), inputs, cfg)
	m.summary = summary
	return m, err
}

func plan(t *testing.T, cfg PlanConfig, inputs ...string) made {
	t.Helper()
	m, err := tryPlan(t, cfg, inputs...)
	if err != nil {
		t.Fatalf("plan %q: %v", inputs, err)
	}
	if err := m.summary.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

// splits rebuilds the splits as a worker does.
func (m made) splits(t fataler) []mapreduce.Split {
	t.Helper()
	var splits []mapreduce.Split
	for n, chunk := range m.chunks {
		if m.summary.Firsts[n] != len(splits) {
			t.Fatalf("chunk %d begins with split %d, the summary says %d", n, len(splits), m.summary.Firsts[n])
		}
		for i := range chunk.Splits {
			split, err := chunk.Split(i)
			if err != nil {
				t.Fatalf("chunk %d split %d: %v", n, i, err)
			}
			splits = append(splits, split)
		}
	}
	return splits
}

// fataler is what testing.T and rapid.T share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

type line struct {
	Source string
	Offset int64
	Text   string
}

// sequential reads whole files line by line: what every plan and every reader must amount to.
func sequential(name, data string) []line {
	var lines []line
	offset := int64(0)
	for _, text := range strings.SplitAfter(data, "\n") {
		if text != "" {
			lines = append(lines, line{name, offset, text})
		}
		offset += int64(len(text))
	}
	return lines
}

// readAll reads a split to its end.
func readAll(t *testing.T, r *Reader) ([]line, error) {
	t.Helper()
	defer closeReader(t, r)
	var lines []line
	for {
		batch, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, linesOf(t, r, batch)...)
	}
}

// linesOf checks what holds for every batch, and takes it apart.
func linesOf(t *testing.T, r *Reader, batch mapreduce.Batch) []line {
	t.Helper()
	if len(batch.Data) == 0 {
		t.Fatalf("an empty batch of %s at %d", batch.Source, batch.Offset)
	}
	if cap(batch.Data) > len(batch.Data) {
		t.Fatalf("who appends to a batch of %s at %d writes into the next", batch.Source, batch.Offset)
	}
	if cut := bytes.IndexByte(batch.Data, '\n'); len(batch.Data) > r.cfg.BatchSize && cut >= 0 && cut < len(batch.Data)-1 {
		t.Fatalf("a batch of %d bytes has several lines, the batch size is %d", len(batch.Data), r.cfg.BatchSize)
	}
	lines := sequential(batch.Source, string(batch.Data))
	for i := range lines {
		lines[i].Offset += batch.Offset
	}
	return lines
}

func closeReader(t *testing.T, r *Reader) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// paths are the names of a plan's sources that have bytes, in order.
func (m made) paths() []string {
	var paths []string
	for _, chunk := range m.chunks {
		for _, source := range chunk.Sources {
			paths = append(paths, source.Name)
		}
	}
	return paths
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if !mapreduce.IsPermanent(err) {
		t.Errorf("error %q is not permanent", err)
	}
}
