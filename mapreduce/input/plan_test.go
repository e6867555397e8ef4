package input

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

func TestSmallFilesShareASplit(t *testing.T) {
	dir := t.TempDir()
	for i := range 1201 {
		write(t, filepath.Join(dir, fmt.Sprintf("%04d", i)), "x\n")
	}
	m := plan(t, PlanConfig{}, dir)
	var pieces []int
	for _, split := range m.splits(t) {
		pieces = append(pieces, len(split))
	}
	if fmt.Sprint(pieces) != "[500 500 201]" {
		t.Errorf("splits of %v files", pieces)
	}
	if by := plan(t, PlanConfig{SplitSize: 100}, dir).summary.Splits; by != 25 {
		t.Errorf("%d splits of 100 bytes, want 25 of 50 files of 2 bytes", by)
	}
}

func TestOrderOfSplitsIsThatOfTheInput(t *testing.T) {
	dir := t.TempDir()
	small, big := write(t, filepath.Join(dir, "s"), "s\n"), write(t, filepath.Join(dir, "b"), strings.Repeat("0123456\n", 4))
	m := plan(t, PlanConfig{SplitSize: 16}, small, big, small, small, big)
	var got []string
	for _, split := range m.splits(t) {
		text := ""
		for _, piece := range split {
			text += fmt.Sprintf("%s%d+%d", filepath.Base(piece.Source.Name), piece.Offset, piece.Length)
		}
		got = append(got, text)
	}
	if want := "[s0+2 b0+16 b16+16 s0+2s0+2 b0+16 b16+16]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestEmptyFilesCountAsInputsOnly(t *testing.T) {
	empty := write(t, filepath.Join(t.TempDir(), "empty"), "")
	m := plan(t, PlanConfig{}, empty, empty)
	if m.summary.Inputs != 2 || m.summary.Splits != 0 || m.summary.Bytes != 0 || len(m.chunks) != 0 {
		t.Errorf("%+v", m.summary)
	}
}

func TestSplitSizeIsChosenForTheWork(t *testing.T) {
	const mib = 1 << 20
	tests := []struct {
		sizes []int64
		slots int
		want  int64
	}{
		{nil, 0, 4 * mib},
		{[]int64{mib}, 1, 4 * mib},
		{[]int64{40 * mib}, 1, 10 * mib},
		{[]int64{40 * mib, 40 * mib}, 2, 10 * mib},
		{[]int64{40 * mib}, 0, 10 * mib},
		{[]int64{40 * mib}, -3, 10 * mib},
		{[]int64{1 << 40}, 8, 64 * mib},
		{[]int64{640 * mib * mib}, 8, 640 * mib}, // 64 MiB would be too many splits
	}
	for _, test := range tests {
		if got := chosenSize(listing(test.sizes), test.slots, mib); got != test.want {
			t.Errorf("%v on %d slots: %d, want %d", test.sizes, test.slots, got, test.want)
		}
	}
}

func TestTooManySplitsAreRefusedWithTheSizeThatFits(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), strings.Repeat("\n", 1000))
	_, err := tryPlan(t, PlanConfig{SplitSize: 1, MaxSplits: 300}, path)
	wantError(t, err, "split size 1 cuts the input into more than 300 splits: use --split-size 4 or more")
	if fitting := tooMany(listing([]int64{4096 * mapreduce.MaxSplits}), 1, mapreduce.MaxSplits); fitting.Error() !=
		"split size 1 cuts the input into more than 1,000,000 splits: use --split-size 4096 or more" {
		t.Error(fitting)
	}
	if m := plan(t, PlanConfig{SplitSize: 1, MaxSplits: 1000, Slots: 8}, path); m.summary.Splits != 1000 {
		t.Errorf("%d splits, the limit is 1000", m.summary.Splits)
	}
}

func TestTooManyFilesForAnySplitSizeAreRefused(t *testing.T) {
	sizes := make([]int64, 2*maxPieces+1)
	for i := range sizes {
		sizes[i] = 1
	}
	files := listing(sizes)
	if fits := smallestFit(files, 1, 2); fits != 0 {
		t.Errorf("split size %d is said to fit", fits)
	}
	wantError(t, tooMany(files, 1, 2), "every other", "1,001")
}

func TestChunksAreSmallAndFull(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), strings.Repeat("\n", 20_000))
	m := plan(t, PlanConfig{SplitSize: 1}, path, path)
	for i, chunk := range m.chunks {
		text := marshal(t, chunk)
		if len(text) > maxChunkCost || len(chunk.Sources) > 2 {
			t.Errorf("chunk %d: %d bytes, %d sources", i, len(text), len(chunk.Sources))
		}
		if last := i == len(m.chunks)-1; !last && len(text) < maxChunkCost*6/10 {
			t.Errorf("chunk %d has %d bytes only, of %d", i, len(text), maxChunkCost)
		}
	}
	if pieces := len(slices.Concat(m.splits(t)...)); pieces != 40_000 {
		t.Errorf("%d splits", pieces)
	}
}

func TestVeryManyTinySplitsShareTasks(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), strings.Repeat("line\n", 20_000))
	for slots, most := range map[int]int{1: 156, 2: 78, 20: 7, 80: 1} {
		splits := plan(t, PlanConfig{SplitSize: 5, Slots: slots}, path).splits(t)
		for n, split := range splits {
			if len(split) != most && n < len(splits)-1 {
				t.Fatalf("%d slots: a task of %d splits, want %d", slots, len(split), most)
			}
		}
		for n, piece := range slices.Concat(splits...) {
			if piece.Offset != int64(5*n) || piece.Length != 5 {
				t.Fatalf("split %d is %d bytes at %d", n, piece.Length, piece.Offset)
			}
		}
	}
	for size, most := range map[int64]int{1: 256, 64 << 10: 64, 3 << 20: 1, 1 << 30: 1} {
		if got := packOf(mapreduce.MaxSplits, size, 2); got != most {
			t.Errorf("%d splits of %d bytes to a task, want %d", got, size, most)
		}
	}
}

func marshal(t *testing.T, chunk mapreduce.PlanChunk) []byte {
	t.Helper()
	text, err := json.Marshal(chunk)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestLongNamesEndASplitEarlier(t *testing.T) {
	// A control character is six bytes in JSON, so these names take the most room that names can.
	dir := filepath.Join(t.TempDir(), strings.Repeat("\x01", 200), strings.Repeat("\x01", 200))
	for i := range 200 {
		write(t, filepath.Join(dir, fmt.Sprintf("%s%03d", strings.Repeat("\x01", 200), i)), "x\n")
	}
	m := plan(t, PlanConfig{}, dir)
	for i, chunk := range m.chunks {
		if size := len(marshal(t, chunk)); size > maxSplitCost || size < maxSplitCost*9/10 && i < len(m.chunks)-1 {
			t.Errorf("chunk %d has %d bytes, %d splits", i, size, len(chunk.Splits))
		}
	}
	if pieces := m.splits(t); len(pieces) != len(m.chunks) || len(pieces) < 3 {
		t.Errorf("%d splits in %d chunks", len(pieces), len(m.chunks))
	}
}

func TestMoreChunksThanACommitHoldsAreRefused(t *testing.T) {
	files := listing([]int64{1})
	files[0].cost = maxChunkCost
	c := newChunker(files, func(mapreduce.PlanChunk) error { return nil })
	var err error
	for i := 0; i <= maxChunks+1 && err == nil; i++ {
		err = c.add([]extent{{0, 0, 1}})
	}
	wantError(t, err, "more than 25,000 chunks", "use a larger split size")
}

func TestStoreErrorEndsThePlan(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), "x\n")
	full := errors.New("full")
	_, err := Plan(t.Context(), []string{path}, PlanConfig{Store: func(mapreduce.PlanChunk) error { return full }})
	if !errors.Is(err, full) || mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "store plan chunk 0") {
		t.Errorf("got %v", err)
	}
}

func TestBadConfigsAreRefused(t *testing.T) {
	if _, err := Plan(t.Context(), nil, PlanConfig{}); err == nil {
		t.Error("a plan without a store")
	}
	_, err := tryPlan(t, PlanConfig{SplitSize: -1})
	wantError(t, err, "split size -1")
}

// counting counts the bytes that are read through it.
type counting struct {
	io.ReaderAt
	bytes int
}

func (c *counting) ReadAt(data []byte, offset int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(data, offset)
	c.bytes += n
	return n, err
}

func TestBordersAreFoundWithLittleReading(t *testing.T) {
	const size = 4 << 20
	text := strings.Repeat(strings.Repeat("x", 63)+"\n", size/64)
	for _, test := range []struct{ step, atMost int64 }{
		{1, size + blockSize},          // no block twice
		{100, size + blockSize},        //
		{1 << 20, 3 * blockSize},       // around the cuts only
		{1 << 19, 7 * blockSize},       //
		{size - 1, blockSize},          //
		{blockSize / 2, size + 2*size}, // whatever the step, in proportion to the file
	} {
		read := &counting{ReaderAt: strings.NewReader(text)}
		b := borders{source: &planned{of: mapreduce.Source{Size: size}}, file: read, block: make([]byte, blockSize)}
		for at := test.step; at < size; at += test.step {
			if border, err := b.from(context.Background(), at); err != nil || border != (at+63)/64*64 {
				t.Fatalf("step %d: border from %d is %d (%v)", test.step, at, border, err)
			}
		}
		if int64(read.bytes) > test.atMost {
			t.Errorf("step %d: read %d bytes, at most %d", test.step, read.bytes, test.atMost)
		}
	}
}
