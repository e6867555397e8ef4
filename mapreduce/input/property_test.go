package input

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// content is text that is mostly trouble: empty lines, CRs, no LF at the end.
func content() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		alphabet := rapid.SampledFrom([]string{"\n\n\n\r", "ab\n\r", "abcdefghijkl\n", "a"}).Draw(t, "alphabet")
		return rapid.StringOfN(rapid.SampledFrom([]rune(alphabet)), 0, 200, -1).Draw(t, "text")
	})
}

func TestSplitsReadAsTheFilesThemselves(t *testing.T) {
	dir := t.TempDir()
	round := 0
	bubble(t, func(t *testing.T) {
		rapid.Check(timeless{t}, func(rt *rapid.T) {
			round++
			texts := rapid.SliceOfN(content(), 0, 6).Draw(rt, "files")
			var paths []string
			var want []line
			size := 0
			for i, text := range texts {
				path := write(t, filepath.Join(dir, fmt.Sprint(round), fmt.Sprint(i)), text)
				paths = append(paths, path)
				want = append(want, sequential(path, text)...)
				size += len(text)
			}
			m := planPacks(t, rapid.Int64Range(1, 250).Draw(rt, "split size"), rapid.IntRange(1, 9).Draw(rt, "pack"), paths)
			splits := m.splits(rt)
			checkCover(rt, paths, texts, splits)
			if m.summary.Inputs != len(paths) || m.summary.Bytes != int64(size) || m.summary.Splits != len(splits) {
				rt.Fatalf("summary %+v of %d files, %d bytes, %d splits", m.summary, len(paths), size, len(splits))
			}
			var got []line
			for _, split := range splits {
				r := Open(split, ReadConfig{BatchSize: rapid.IntRange(1, 60).Draw(rt, "batch")})
				r.least = rapid.IntRange(1, 60).Draw(rt, "buffer")
				lines, err := readAll(t, r)
				if err != nil {
					rt.Fatalf("read: %v", err)
				}
				got = append(got, lines...)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("a sequential read - , the splits +\n%s", diff)
			}
		})
	})
}

// planPacks plans packs of so many splits, however few there are.
func planPacks(t *testing.T, size int64, pack int, paths []string) (m made) {
	t.Helper()
	files, err := list(t.Context(), paths, lister{})
	if err != nil {
		t.Fatal(err)
	}
	p := newPlanner(files, PlanConfig{SplitSize: size, MaxSplits: mapreduce.MaxSplits, Store: func(chunk mapreduce.PlanChunk) error {
		m.chunks = append(m.chunks, chunk)
		return nil
	}})
	p.packs = &packer{files: files, emit: p.chunks.add}
	if err := errors.Join(p.split(t.Context()), p.flush(t.Context(), pack)); err != nil {
		t.Fatal(err)
	}
	m.summary = p.chunks.summary
	return m
}

// checkCover checks that the splits, in order, hold every byte once, begin at line starts, and are not empty.
func checkCover(t fataler, paths, texts []string, splits []mapreduce.Split) {
	t.Helper()
	file, at := 0, int64(0)
	for n, split := range splits {
		if split.Bytes() == 0 {
			t.Fatalf("split %d is empty", n)
		}
		for _, piece := range split {
			for at == int64(len(texts[file])) {
				file, at = file+1, 0
			}
			if piece.Source.Name != paths[file] || piece.Offset != at {
				t.Fatalf("split %d begins at %s:%d, want %s:%d", n, piece.Source.Name, piece.Offset, paths[file], at)
			}
			if at > 0 && texts[file][at-1] != '\n' {
				t.Fatalf("split %d begins inside a line, at %s:%d", n, piece.Source.Name, at)
			}
			at += piece.Length
		}
	}
	for ; file < len(paths); file, at = file+1, 0 {
		if at != int64(len(texts[file])) {
			t.Fatalf("%s is covered up to %d of %d", paths[file], at, len(texts[file]))
		}
	}
}

func TestCutsAreTheFirstBordersBehindTheNominalOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := content().Draw(t, "text")
		size := rapid.Int64Range(1, 250).Draw(t, "split size")
		b := borders{source: &planned{of: mapreduce.Source{Size: int64(len(text))}}, file: strings.NewReader(text)}
		b.block = make([]byte, rapid.IntRange(1, 20).Draw(t, "block"))
		for nominal := size; nominal < int64(len(text)); nominal += size {
			border := int64(len(text))
			if i := strings.IndexByte(text[nominal-1:], '\n'); i >= 0 {
				border = nominal + int64(i)
			}
			if got, err := b.from(context.Background(), nominal); err != nil || got != border {
				t.Fatalf("border from %d is %d (%v), want %d", nominal, got, err, border)
			}
		}
	})
}

// made-up files, as the listing finds them
func listing(sizes []int64) []listed {
	var files []listed
	for i, size := range sizes {
		files = append(files, listed{Source: mapreduce.Source{Name: fmt.Sprint(i), Size: size}, cost: 60})
	}
	return files
}

func TestMoreBytesASplitNeverMeansMoreSplits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := listing(rapid.SliceOfN(rapid.Int64Range(0, 60), 0, 30).Draw(t, "sizes"))
		if n := rapid.IntRange(0, 1).Draw(t, "costly"); n == 1 && len(files) > 0 {
			for i := range files {
				files[i].cost = rapid.IntRange(60, maxSplitCost/3).Draw(t, "cost")
			}
		}
		before := atMost(files, 1)
		for size := int64(2); size < 130; size++ {
			now := atMost(files, size)
			if now > before {
				t.Fatalf("%d splits of size %d, %d of size %d", before, size-1, now, size)
			}
			before = now
		}
	})
}

func TestSuggestedSplitSizeWorks(t *testing.T) {
	dir := t.TempDir()
	round := 0
	refused := 0
	bubble(t, func(t *testing.T) {
		rapid.Check(timeless{t}, func(rt *rapid.T) {
			round++
			var paths []string
			for i, text := range rapid.SliceOfN(content(), 1, 6).Draw(rt, "files") {
				paths = append(paths, write(t, filepath.Join(dir, fmt.Sprint(round), fmt.Sprint(i)), text))
			}
			limit := rapid.IntRange(1, 10).Draw(rt, "limit")
			m, err := tryPlan(t, PlanConfig{SplitSize: rapid.Int64Range(1, 30).Draw(rt, "size"), MaxSplits: limit}, paths...)
			if err == nil {
				if m.summary.Splits > limit {
					rt.Fatalf("%d splits, at most %d", m.summary.Splits, limit)
				}
				return
			}
			refused++
			suggested := suggestion(rt, err)
			for _, size := range []int64{suggested, suggested + 1, suggested + rapid.Int64Range(2, 500).Draw(rt, "more")} {
				m, err = tryPlan(t, PlanConfig{SplitSize: size, MaxSplits: limit}, paths...)
				if err != nil || m.summary.Splits > limit {
					rt.Fatalf("the suggested size %d makes %d splits: %v", size, m.summary.Splits, err)
				}
			}
		})
	})
	if refused == 0 {
		t.Fatal("no plan was refused: the test proves nothing")
	}
}

func suggestion(t fataler, err error) int64 {
	t.Helper()
	var size int64
	_, after, _ := strings.Cut(err.Error(), "use --split-size ")
	if _, scan := fmt.Sscanf(after, "%d or more", &size); scan != nil {
		t.Fatalf("no split size in %q", err)
	}
	return size
}
