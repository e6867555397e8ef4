package shuffle

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"
	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// TestPartitionNeverChanges: binaries of different versions must send a key to the same reducer.
func TestPartitionNeverChanges(t *testing.T) {
	tests := []struct {
		key        string
		partitions int
		want       int
	}{
		{"", 2, 0}, {"a", 2, 1}, {"the", 2, 1}, {"the", 7, 5}, {"the", 4096, 3249}, {"\x00\xff", 4096, 2713}, {"the", 1, 0}, {"the", 0, 0},
		{strings.Repeat("long ", 100), 4096, 2298},
	}
	for _, test := range tests {
		if got := Partition([]byte(test.key), test.partitions); got != test.want {
			t.Errorf("Partition(%.20q, %d) = %d, want %d", test.key, test.partitions, got, test.want)
		}
	}
}

func TestPartitionsAreEven(t *testing.T) {
	const partitions, each = 7, 2000
	var counts [partitions]int
	for i := range partitions * each {
		counts[Partition(wordNumber(i), partitions)]++
	}
	for p, n := range counts {
		if n < each*9/10 || n > each*11/10 {
			t.Errorf("partition %d has %d of %d keys", p, n, partitions*each)
		}
	}
}

// TestRunFormatNeverChanges pins the bytes of a run: two chunks as they are, and one that s2 shrank.
func TestRunFormatNeverChanges(t *testing.T) {
	small, digest := flushed(t, SorterConfig{ChunkSize: 9}, RunOwner{300, attempt(2)}, []pair{{"b", "xyz"}, {"", "1"}, {"a", ""}})
	large, _ := flushed(t, SorterConfig{Combiner: mapreduce.Sum}, RunOwner{0, attempt(1)}, []pair{{strings.Repeat("z", 40), "\x02"}})
	var got []string
	for _, chunk := range append(small[0], large[0]...) {
		got = append(got, hex.EncodeToString(chunk))
	}
	want := []string{
		// JR v f task  n w - 7 f - 2 seq raw body               checksum
		"4a520100ac0206772d37662d32" + "0009" + "000131016100016203" + "e73f3d935b41e333",
		// … seq records bytes digest raw body checksum
		"4a520102ac0206772d37662d32" + "01" + "030c" + "9d7031fb87a53f12" + "03" + "78797a" + "50abf1458a2badac",
		"4a5201030006772d37662d31" + "00" + "012b" + "c44154b7027a301c" + "2b" + "2b04287a9a0100040102" + "bc299f26c0ae15b4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chunks (-want +got):\n%s", diff)
	}
	if digest != 0xb32e0e3c03917d71 {
		t.Errorf("digest %016x", uint64(digest))
	}
}

func TestParseChunkReadsWhatWasWritten(t *testing.T) {
	owner := RunOwner{7, attempt(9)}
	runs, _ := flushed(t, SorterConfig{ChunkSize: 5}, owner, []pair{{"key", "value"}})
	if len(runs[0]) != 2 {
		t.Fatalf("%d chunks of 10 bytes in fives", len(runs[0]))
	}
	for seq, b := range runs[0] {
		c, err := ParseChunk(b)
		if err != nil {
			t.Fatal(err)
		}
		if c.RunOwner != owner || c.Seq != seq || c.Last != (seq == 1) || len(c.body) != 5 {
			t.Errorf("chunk %d: %+v", seq, c)
		}
		want := Trailer{}
		if c.Last {
			want = Trailer{1, 10, xxh3.HashString("\x03key\x05value")}
		}
		if c.Trailer != want {
			t.Errorf("trailer %+v, want %+v", c.Trailer, want)
		}
	}
}

func TestOtherVersionIsRefusedByName(t *testing.T) {
	runs, _ := flushed(t, SorterConfig{}, RunOwner{7, attempt(9)}, nil)
	runs[0][0][2] = 9
	_, err := ParseChunk(runs[0][0])
	if !errors.Is(err, ErrVersion) || errors.Is(err, mapreduce.ErrRunsLost) || !strings.Contains(err.Error(), "version 9, this binary reads 1") {
		t.Fatalf("error %v", err)
	}
}

// TestAnyFlippedBitOrCutIsRefused: no damage of a chunk gets through, wherever it is.
func TestAnyFlippedBitOrCutIsRefused(t *testing.T) {
	pairs := []pair{{strings.Repeat("k", 30), strings.Repeat("v", 200)}}
	runs, _ := flushed(t, SorterConfig{ChunkSize: 150}, RunOwner{5, attempt(4)}, pairs)
	for _, chunk := range runs[0] {
		for bit := range len(chunk) * 8 {
			bad := bytes.Clone(chunk)
			bad[bit/8] ^= 1 << (bit % 8)
			refused(t, bad)
		}
		for cut := range len(chunk) {
			refused(t, chunk[:cut])
		}
		refused(t, append(bytes.Clone(chunk), 0))
	}
}

func refused(t *testing.T, chunk []byte) {
	t.Helper()
	c, err := ParseChunk(chunk)
	if !errors.Is(err, mapreduce.ErrRunsLost) && !errors.Is(err, ErrVersion) {
		t.Fatalf("got %+v, error %v", c, err)
	}
}

// sealed is a chunk with a right checksum: what only a faulty sorter makes.
func sealed(flags byte, fields ...any) []byte {
	b := append([]byte(magic), Version, flags)
	for _, field := range fields {
		switch f := field.(type) {
		case int:
			b = binary.AppendUvarint(b, uint64(f))
		case uint64:
			b = binary.LittleEndian.AppendUint64(b, f)
		case string:
			b = append(b, f...)
		}
	}
	return binary.LittleEndian.AppendUint64(b, xxh3.Hash(b))
}

func TestHeadersThatLieAreRefused(t *testing.T) {
	packed := string(s2.Encode(nil, bytes.Repeat([]byte("x"), 100)))
	huge := string(binary.AppendUvarint(nil, 1<<40)) + "xx" // an s2 block of a terabyte
	for name, chunk := range map[string][]byte{
		"longer body":       sealed(0, 1, 3, "w-1", 0, 99, "body"),
		"shorter body":      sealed(0, 1, 3, "w-1", 0, 1, "body"),
		"s2 length differs": sealed(flagS2, 1, 3, "w-1", 0, 99, packed),
		"s2 is huge":        sealed(flagS2, 1, 3, "w-1", 0, 1<<40, huge),
		"s2 is none":        sealed(flagS2, 1, 3, "w-1", 0, 4, "\xff\xff\xff\xff\xff\xff"),
		"unknown flag":      sealed(4, 1, 3, "w-1", 0, 4, "body"),
		"body too large":    sealed(0, 1, 3, "w-1", 0, MaxChunk+1, strings.Repeat("x", MaxChunk+1)),
		"attempt too long":  sealed(0, 1, 200, strings.Repeat("w", 198)+"-1", 0, 4, "body"),
		"attempt cut":       sealed(0, 1, 30, "w-1"),
		"no attempt":        sealed(0, 1, 3, "w 1", 0, 4, "body"),
		"negative task":     sealed(0, -1, 3, "w-1", 0, 4, "body"),
		"no trailer":        sealed(flagLast, 1, 3, "w-1", 0, 4),
		"nothing":           sealed(0),
	} {
		t.Run(name, func(t *testing.T) { refused(t, chunk) })
	}
	if _, err := ParseChunk(sealed(0, 1, 3, "w-1", 0, 4, "body")); err != nil {
		t.Errorf("the form itself is refused: %v", err)
	}
}

func TestOwnerThatHasNoHeaderIsRefused(t *testing.T) {
	for _, owner := range []RunOwner{
		{-1, attempt(1)},
		{1, mapreduce.Attempt{}},
		{1, mapreduce.Attempt{Worker: mapreduce.WorkerID(strings.Repeat("w", 200)), N: 1}},
	} {
		s := NewSorter(SorterConfig{})
		if _, err := s.Flush(t.Context(), owner, nil); err == nil {
			t.Errorf("%v is taken", owner)
		}
		s.Close()
	}
}

// TestCompressionIsDroppedWhereItDoesNotPay: text is sent as s2, random bytes as they are.
func TestCompressionIsDroppedWhereItDoesNotPay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for name, test := range map[string]struct {
		value string
		want  bool
	}{
		"text":        {strings.Repeat("the quick brown fox ", 5000), true},
		"noise":       {string(noise), false},
		"noise first": {string(noise[:50_000]) + strings.Repeat("text", 10_000), false},
	} {
		t.Run(name, func(t *testing.T) {
			runs, _ := flushed(t, SorterConfig{ChunkSize: 10_000}, RunOwner{0, attempt(1)}, []pair{{"k", test.value}})
			for _, b := range runs[0][:len(runs[0])-1] {
				if c, err := ParseChunk(b); err != nil || c.packed != test.want {
					t.Fatalf("chunk %d: packed %v, error %v", c.Seq, c.packed, err)
				}
			}
			m := merged(t, CollectorConfig{Roster: mapreduce.Roster{attempt(1)}}, runs[0])
			defer m.Close()
			if got := read(t, m); len(got) != 1 || got[0].value != test.value {
				t.Fatal("another value came back")
			}
		})
	}
}

func TestFieldSizeIsWhatIsWritten(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 1<<14 - 1, 1 << 14, 1 << 21} {
		if want := len(binary.AppendUvarint(nil, uint64(n))) + n; fieldSize(n) != want {
			t.Errorf("fieldSize(%d) = %d, want %d", n, fieldSize(n), want)
		}
	}
}

func FuzzParseChunk(f *testing.F) {
	runs, _ := flushed(f, SorterConfig{ChunkSize: 64}, RunOwner{5, attempt(4)}, []pair{{strings.Repeat("k", 100), "v"}})
	for _, chunk := range runs[0] {
		f.Add(chunk)
	}
	f.Add(sealed(flagLast, 1, 3, "w-1", 0, 1, 4, uint64(9), 4, "body"))
	f.Fuzz(func(t *testing.T, b []byte) {
		reseal(b)
		c, err := ParseChunk(b)
		if err == nil && (c.raw > MaxChunk || c.Task < 0 || c.Seq < 0 || c.Attempt.IsZero()) {
			t.Fatalf("%+v", c)
		}
	})
}

// reseal makes the checksum right, so that a fuzzer gets past it.
func reseal(b []byte) {
	if n := len(b) - checksumSize; n > 0 {
		binary.LittleEndian.PutUint64(b[n:], xxh3.Hash(b[:n]))
	}
}

var _ rapid.TB = (*testing.F)(nil)
