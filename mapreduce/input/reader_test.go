package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func splitOf(t testing.TB, data []byte) mapreduce.Split {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	id, err := disk{}.identify(path, path) // without the wait of a plan: what it is for is not to be edited
	if err != nil {
		t.Fatal(err)
	}
	return mapreduce.Split{{Source: mapreduce.Source{Name: path, Size: id.size, Identity: id.String()}, Length: id.size}}
}

func TestLongLineIsReadWhole(t *testing.T) {
	const long = 30 << 20
	data := append(bytes.Repeat([]byte("y"), long), "\nshort\nlast"...)
	r := Open(splitOf(t, data), ReadConfig{BatchSize: 16})
	defer closeReader(t, r)
	for _, want := range []struct {
		offset int64
		length int
	}{{0, long + 1}, {long + 1, len("short\nlast")}} {
		batch, err := r.Next(t.Context())
		if err != nil || batch.Offset != want.offset || len(batch.Data) != want.length {
			t.Fatalf("batch at %d of %d bytes (%v), want %+v", batch.Offset, len(batch.Data), err, want)
		}
		if !bytes.Equal(batch.Data, data[want.offset:][:want.length]) {
			t.Fatal("other bytes")
		}
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestLongLineDoesNotKeepItsMemory(t *testing.T) {
	split := splitOf(t, append(bytes.Repeat([]byte("y"), 1<<20), '\n'))
	r := Open(append(split, splitOf(t, []byte("x\n"))...), ReadConfig{BatchSize: 1 << 10})
	defer closeReader(t, r)
	for _, atMost := range []int{2 << 20, leastBuffer} {
		if _, err := r.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(r.buffer) > atMost {
			t.Errorf("a buffer of %d bytes, at most %d", len(r.buffer), atMost)
		}
	}
}

func TestLastLineIsNotJoinedToTheNextFile(t *testing.T) {
	split := append(splitOf(t, []byte("a\nb")), splitOf(t, []byte("c"))...)
	lines, err := readAll(t, Open(split, ReadConfig{}))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, line := range lines {
		texts = append(texts, line.Text)
	}
	if fmt.Sprintf("%q", texts) != `["a\n" "b" "c"]` {
		t.Errorf("%q", texts)
	}
}

func TestRangeIsReadExactly(t *testing.T) {
	split := splitOf(t, []byte("one\ntwo\nthree\n"))
	split[0].Offset, split[0].Length = 4, 4
	lines, err := readAll(t, Open(split, ReadConfig{}))
	if err != nil || len(lines) != 1 || lines[0].Text != "two\n" || lines[0].Offset != 4 {
		t.Errorf("%v %v", lines, err)
	}
}

func TestLineLongerThanTheBoundIsRefusedWithItsOffset(t *testing.T) {
	const bound = 64 << 10
	long := strings.Repeat("y", bound)
	tests := []struct {
		claim, data string
		at          int // -1: taken
	}{
		{"as long as the bound", long + "\n", -1},
		{"as long as the bound, without LF", "x\n" + long, -1},
		{"one byte longer", long + "y\n", 0},
		{"one byte longer, without LF", "x\n" + long + "y", 2},
		{"between others", "x\nx\n" + long + long + "\nx\n", 4},
		{"behind one as long as the bound", long + "\n" + long + "y\n", bound + 1},
		{"many short lines", strings.Repeat("yyy\n", bound), -1},
	}
	for _, test := range tests {
		for _, batch := range []int{1, 1000, bound, 8 * bound} {
			t.Run(fmt.Sprint(test.claim, " batch ", batch), func(t *testing.T) {
				split := splitOf(t, []byte(test.data))
				lines, err := readAll(t, Open(split, ReadConfig{BatchSize: batch, MaxRecord: bound}))
				if test.at >= 0 {
					words := fmt.Sprintf("line at byte %d is longer than 64 KiB: ", test.at)
					wantError(t, err, split[0].Source.Name, words, "--memory")
				} else if total := len(linesText(lines)); err != nil || total != len(test.data) {
					t.Errorf("%d of %d bytes: %v", total, len(test.data), err)
				}
			})
		}
	}
}

func linesText(lines []line) string {
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line.Text)
	}
	return text.String()
}

func TestBoundLimitsMemoryToo(t *testing.T) {
	r := Open(splitOf(t, bytes.Repeat([]byte("y"), 4<<20)), ReadConfig{BatchSize: 1 << 10, MaxRecord: 1 << 20})
	defer closeReader(t, r)
	_, err := r.Next(t.Context())
	wantError(t, err, "line at byte 0 is longer than 1 MiB")
	if len(r.buffer) > 1<<20+1 {
		t.Errorf("a buffer of %d bytes", len(r.buffer))
	}
}

func TestHugeBoundIsNone(t *testing.T) {
	split := splitOf(t, bytes.Repeat([]byte("y"), 1<<20))
	if lines, err := readAll(t, Open(split, ReadConfig{BatchSize: 1, MaxRecord: math.MaxInt64})); err != nil || len(lines) != 1 {
		t.Errorf("%d lines: %v", len(lines), err)
	}
}

func TestOverlongFindsTheFirstLongLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := []byte(content().Draw(t, "data"))
		limit := rapid.Int64Range(0, 20).Draw(t, "limit")
		want := -1
		for _, line := range sequential("", string(data)) {
			if limit > 0 && int64(len(strings.TrimSuffix(line.Text, "\n"))) > limit {
				want = int(line.Offset)
				break
			}
		}
		if got := overlong(data, limit); got != want {
			t.Fatalf("longer than %d: at %d, want %d", limit, got, want)
		}
	})
}

func TestBatchesAllocateNothing(t *testing.T) {
	r := Open(splitOf(t, bytes.Repeat([]byte("a line of text\n"), 1<<20)), ReadConfig{BatchSize: 64 << 10})
	defer closeReader(t, r)
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := r.Next(ctx); err != nil {
			t.Error(err)
		}
	})
	if allocations >= 1 {
		t.Errorf("%v allocations a batch", allocations)
	}
}

func TestProgressCountsTheBytesOfTheSplit(t *testing.T) {
	split := append(splitOf(t, bytes.Repeat([]byte("x\n"), 100_000)), splitOf(t, []byte("y\n"))...)
	var last int64
	_, err := readAll(t, Open(split, ReadConfig{BatchSize: 1 << 10, Progress: func(bytes int64) {
		if bytes <= last {
			t.Errorf("%d bytes after %d", bytes, last)
		}
		last = bytes
	}}))
	if err != nil || last != split.Bytes() {
		t.Errorf("%d bytes, of %d: %v", last, split.Bytes(), err)
	}
}

func TestCancelledReadGoesOnLater(t *testing.T) {
	r := Open(splitOf(t, []byte("x\n")), ReadConfig{})
	defer closeReader(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if batch, err := r.Next(t.Context()); err != nil || string(batch.Data) != "x\n" {
		t.Errorf("%q %v", batch.Data, err)
	}
}

func TestLongReadIsCancelledInTheMiddle(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reads := 0
	progress := func(int64) { reads++; cancel() }
	r := Open(splitOf(t, make([]byte, 4*maxRead)), ReadConfig{BatchSize: 4 * maxRead, Progress: progress})
	defer closeReader(t, r)
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) || reads != 1 {
		t.Errorf("after %d reads: %v", reads, err)
	}
	if batch, err := r.Next(t.Context()); err != nil || len(batch.Data) != 4*maxRead {
		t.Errorf("then: %d bytes, %v", len(batch.Data), err)
	}
}

func TestChangeIsSeenAfterACancelledRead(t *testing.T) {
	path, split := threeLines(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := Open(split, ReadConfig{Progress: func(int64) {
		if err := rewrite(path, "ONE\n"); err != nil {
			t.Error(err)
		}
	}})
	defer closeReader(t, r)
	if _, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for range 2 {
		_, err := r.Next(t.Context())
		wantChanged(t, err, path, "was edited")
	}
}

func TestClosedReaderFails(t *testing.T) {
	r := Open(splitOf(t, []byte("x\ny\n")), ReadConfig{BatchSize: 2})
	if _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeReader(t, r)
	closeReader(t, r)
	if _, err := r.Next(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestEmptySplitEnds(t *testing.T) {
	for _, split := range []mapreduce.Split{nil, splitOf(t, nil)} {
		if lines, err := readAll(t, Open(split, ReadConfig{})); err != nil || len(lines) != 0 {
			t.Errorf("%v %v", lines, err)
		}
	}
}

func TestPiecesThatNoPlanHoldsAreRefused(t *testing.T) {
	good := splitOf(t, []byte("x\ny\n"))[0]
	for claim, bad := range map[string]func(*mapreduce.Piece){
		"before the begin": func(p *mapreduce.Piece) { p.Offset = -1 },
		"negative":         func(p *mapreduce.Piece) { p.Length = -1 },
		"behind the end":   func(p *mapreduce.Piece) { p.Offset = 5 },
		"too long":         func(p *mapreduce.Piece) { p.Length = 5 },
		"overflowing":      func(p *mapreduce.Piece) { p.Offset, p.Length = 4, math.MaxInt64 },
		"no identity":      func(p *mapreduce.Piece) { p.Source.Identity = "" },
		"bad size":         func(p *mapreduce.Piece) { p.Source.Identity = "x:1:1:1:1" },
		"bad inode":        func(p *mapreduce.Piece) { p.Source.Identity = "1:1:1:1:-1" },
		"other scheme":     func(p *mapreduce.Piece) { p.Source.Name = "s3://b/k" },
	} {
		piece := good
		bad(&piece)
		_, err := readAll(t, Open(mapreduce.Split{piece}, ReadConfig{}))
		if err == nil {
			t.Errorf("%s: taken", claim)
			continue
		}
		wantError(t, err, "input "+piece.Source.Name)
	}
}
