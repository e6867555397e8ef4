package input

import (
	"fmt"
	"slices"
	"testing"
)

// A split ends where a line does, so it may hold far more than was asked for.
func TestPackEndsAtItsBytes(t *testing.T) {
	const mb, full = 1_000_000, maxPackBytes
	for _, test := range []struct {
		claim string
		sizes []int64 // of splits
		want  string  // splits of each pack
	}{
		{"tiny ones", []int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "[8 2]"},
		{"lines of a megabyte", slices.Repeat([]int64{mb}, 10), "[4 4 2]"},
		{"just full", []int64{full - 1, 1, 1, full - 1, 1}, "[2 2 1]"},
		{"a large one between tiny ones", []int64{1, 1, 100 * mb, 1, 1}, "[2 1 2]"},
		{"large ones", []int64{full, full + 1, full}, "[1 1 1]"},
	} {
		var packs []int
		p := &packer{files: listing([]int64{1 << 40}), emit: func(pack []extent) error {
			packs = append(packs, len(pack))
			return nil
		}}
		at := int64(0)
		for _, size := range test.sizes {
			if err := p.add([]extent{{0, at, size}}); err != nil {
				t.Fatal(err)
			}
			at += size
		}
		if err := p.flush(t.Context(), 8); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(packs); got != test.want {
			t.Errorf("%s: packs of %s splits, want %s", test.claim, got, test.want)
		}
	}
}

// Small files share a split: all of its pieces count.
func TestPackCountsAllPiecesOfASplit(t *testing.T) {
	const half = maxPackBytes / 2
	var packs []int
	p := &packer{files: listing([]int64{half, half, half, half}), emit: func(pack []extent) error {
		packs = append(packs, len(pack))
		return nil
	}}
	for n := range int64(2) {
		if err := p.add([]extent{{2 * n, 0, half}, {2*n + 1, 0, half}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.flush(t.Context(), 8); err != nil || fmt.Sprint(packs) != "[2 2]" {
		t.Errorf("packs of %v pieces, want one split of two each: %v", packs, err)
	}
}
