package mapreduce_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestRosterReadsAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roster := mapreduce.Roster(rapid.SliceOf(attempt()).Draw(t, "roster"))
		got, err := mapreduce.DecodeRoster(roster.Encode())
		if err != nil || !slices.Equal(got, roster) {
			t.Fatalf("%v read as %v, error %v", roster, got, err)
		}
	})
}

// A job of a million maps and a few workers must fit into few messages.
func TestRosterTakesFewBytesATask(t *testing.T) {
	roster := make(mapreduce.Roster, 100_000)
	for i := range roster {
		roster[i] = mapreduce.Attempt{Worker: []mapreduce.WorkerID{"one-worker", "another-worker"}[i%2], N: uint32(i/2 + 1)}
	}
	if size := len(roster.Encode()); size > 4*len(roster)+100 {
		t.Errorf("%d tasks take %d bytes", len(roster), size)
	}
}

// A task that has no winner has no place in a roster: its reader would wait for nobody's runs.
func TestRosterWithAGapIsRefused(t *testing.T) {
	packed := mapreduce.Roster{{Worker: "w", N: 1}, {}}.Encode()
	if roster, err := mapreduce.DecodeRoster(packed); err == nil {
		t.Errorf("read as %v", roster)
	}
}

func TestRosterThatIsCutShortIsRefused(t *testing.T) {
	packed := mapreduce.Roster{{Worker: "w-1", N: 300}, {Worker: "v", N: 1}, {Worker: "w-1", N: 1}}.Encode()
	for n := range packed {
		if roster, err := mapreduce.DecodeRoster(packed[:n]); err == nil {
			t.Errorf("%d of %d bytes read as %v", n, len(packed), roster)
		}
	}
	if roster, err := mapreduce.DecodeRoster(append(packed, 0)); err == nil {
		t.Errorf("with a byte too many read as %v", roster)
	}
}

// What a message promises is not made room for before it is there.
func TestRosterOfHugeCountsTakesNoMemory(t *testing.T) {
	large, huge := binary.AppendUvarint(nil, 1<<24), binary.AppendUvarint(nil, 1<<40)
	for name, packed := range map[string][]byte{
		"workers": large,
		"more":    huge,
		"name":    slices.Concat([]byte{1}, large),
		"tasks":   slices.Concat([]byte{1, 1, 'w'}, large, []byte{0, 1}),
		"most":    slices.Concat(binary.AppendUvarint(nil, math.MaxUint64), make([]byte, 100)),
		"varint":  bytes.Repeat([]byte{0xff}, 100),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		roster, err := mapreduce.DecodeRoster(packed)
		runtime.ReadMemStats(&after)
		if made := after.TotalAlloc - before.TotalAlloc; err == nil || made > 1<<20 {
			t.Errorf("%s: %d bytes made for %d, roster %v, error %v", name, made, len(packed), roster, err)
		}
	}
}

func FuzzDecodeRoster(f *testing.F) {
	f.Add(mapreduce.Roster{}.Encode())
	f.Add(mapreduce.Roster{{Worker: "w-1", N: 300}, {Worker: "v", N: 1}}.Encode())
	f.Add([]byte{1, 1, '.', 1, 0, 1})
	f.Add([]byte{1, 1, 'w', 1, 1, 1})
	f.Add(bytes.Repeat([]byte{0xff}, 12))
	f.Fuzz(func(t *testing.T, packed []byte) {
		roster, err := mapreduce.DecodeRoster(packed)
		if err != nil {
			return
		}
		if len(roster) > len(packed) {
			t.Fatalf("%d tasks of %d bytes", len(roster), len(packed))
		}
		again, err := mapreduce.DecodeRoster(roster.Encode())
		if err != nil || !slices.Equal(again, roster) {
			t.Fatalf("%v read again as %v, error %v", roster, again, err)
		}
	})
}
