package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"jetreduce/mapreduce"
)

var codecs = []mapreduce.Codec{mapreduce.Gzip, mapreduce.Bzip2, mapreduce.Zstd}

var stories = [][]byte{[]byte("one\ntwo\nthree\n"), nil, []byte("four\nfive")}

const story = "one\ntwo\nthree\nfour\nfive"

func textOf(all []record) string {
	var text strings.Builder
	for _, one := range all {
		text.WriteString(one.Text)
	}
	return text.String()
}

func TestCompressedFilesAreReadWhateverTheirPartsAndTheCaseOfTheirEnding(t *testing.T) {
	for _, codec := range codecs {
		for _, ending := range []string{endings[codec], strings.ToUpper(endings[codec])} {
			split := splitNamed(t, "a"+ending, packed[codec](t, stories...))
			if source := split[0].Source; source.Codec != codec || !source.Whole {
				t.Fatalf("%s is listed as %+v", ending, source)
			}
			all, err := records(t, Open(split, ReadConfig{BatchSize: 5}))
			if err != nil || textOf(all) != story || len(all) != 5 || all[4].Offset != 19 {
				t.Errorf("%s: %+v, %v", ending, all, err)
			}
		}
	}
	if codecOf("https://host/a.gz?key=1") != mapreduce.Gzip || codecOf("https://host/a?b=c.gz") != "" || codecOf("a?b.gz") != mapreduce.Gzip {
		t.Error("a query is taken for an ending")
	}
	if codecOf("a.zstd") != mapreduce.Zstd || codecOf("a.gz.txt") != "" || codecOf("gz") != "" {
		t.Error("other endings")
	}
}

// Cut anywhere, a file is refused, but between two of its parts, where nobody can tell.
func TestCompressedFileThatWasCutIsNeverTakenForWhole(t *testing.T) {
	for _, codec := range codecs {
		data := packed[codec](t, stories...)
		first := len(packed[codec](t, stories[0]))
		borders := []int{first, first + len(packed[codec](t, nil))}
		for at := range data {
			name := "text://cut" + endings[codec]
			all, _, err := readPlanned(t, inMemory("cut"+endings[codec], data[:at]), ReadConfig{}, []string{name})
			if slices.Contains(borders, at) {
				if err != nil || textOf(all) != string(stories[0]) {
					t.Fatalf("%s cut at a border, %d: %q, %v", codec, at, textOf(all), err)
				}
				continue
			}
			wantError(t, err, "input "+name, "is damaged or truncated", fmt.Sprintf("too early, at byte %d", at))
			if !strings.HasPrefix(story, textOf(all)) {
				t.Fatalf("%s cut at %d: %q", codec, at, textOf(all))
			}
		}
	}
}

func TestEmptyFileOfACodecIsTruncatedAndNotWithoutRecords(t *testing.T) {
	for _, codec := range codecs {
		path := write(t, filepath.Join(t.TempDir(), "empty"+endings[codec]), "")
		splits := plan(t, PlanConfig{}, path).splits(t)
		if len(splits) != 1 {
			t.Fatalf("%d splits", len(splits))
		}
		_, err := records(t, Open(splits[0], ReadConfig{}))
		wantError(t, err, "input "+path, "ends too early, at byte 0")
	}
}

func TestWhatFollowsCompressedDataIsNotPassedOver(t *testing.T) {
	for _, codec := range codecs {
		tails := []string{"x", "\x00", strings.Repeat("\x00", 600), "B", "BZ", "BZh9", "\x1f", "\x1f\x8b\x08", "\x28\xb5", "\x50\x2a\x4d\x18\x09"}
		for _, tail := range tails {
			data := append(packed[codec](t, stories...), tail...)
			split := splitNamed(t, "a"+endings[codec], data)
			all, err := records(t, Open(split, ReadConfig{}))
			wantError(t, err, "input "+split[0].Source.Name, "is damaged")
			if !strings.HasPrefix(story, textOf(all)) {
				t.Errorf("%s and %q: %q", codec, tail, textOf(all))
			}
		}
	}
}

func TestFlippedBitIsAnErrorOrChangesNothing(t *testing.T) {
	for _, codec := range codecs {
		data, refused := packed[codec](t, stories...), 0
		for bit := range 8 * len(data) {
			flipped := bytes.Clone(data)
			flipped[bit/8] ^= 1 << (bit % 8)
			all, _, err := readPlanned(t, inMemory("a"+endings[codec], flipped), ReadConfig{}, []string{"text://a" + endings[codec]})
			if err != nil {
				refused++
			}
			if err != nil && !mapreduce.IsPermanent(err) || err == nil && textOf(all) != story {
				t.Fatalf("%s, bit %d of byte %d: %q, %v", codec, bit%8, bit/8, textOf(all), err)
			}
		}
		if refused < 4*len(data) {
			t.Errorf("%s: %d of %d refused", codec, refused, 8*len(data))
		}
	}
}

func TestFileWithTheEndingOfAnotherIsToBeRenamed(t *testing.T) {
	for _, codec := range codecs {
		for _, text := range []string{"plain text\n", "x", "\n"} {
			split := splitNamed(t, "a"+endings[codec], []byte(text))
			_, err := records(t, Open(split, ReadConfig{}))
			wantError(t, err, "input "+split[0].Source.Name, "is not "+string(codec)+", as its name says: rename it")
		}
	}
	source := splitNamed(t, "a.gz", gzipped(t, stories...))
	source[0].Source.Codec = "lzma"
	_, err := records(t, Open(source, ReadConfig{}))
	wantError(t, err, source[0].Source.Name, `"lzma"`)
}

// frame is a zstd frame of a single raw block, with a window of 2^log bytes.
func frame(log int, text string) []byte {
	n := len(text)<<3 | 1
	return append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, byte(log-10) << 3, byte(n), byte(n >> 8), byte(n >> 16)}, text...)
}

func TestWindowsOfZstdAreBounded(t *testing.T) {
	all, err := records(t, Open(splitNamed(t, "a.zst", frame(27, story)), ReadConfig{}))
	if err != nil || textOf(all) != story {
		t.Errorf("a window of 128 MiB: %q %v", textOf(all), err)
	}
	_, err = records(t, Open(splitNamed(t, "a.zst", frame(28, story)), ReadConfig{}))
	wantError(t, err, "needs a window of more than 128 MiB", "--long=27")
	skipped := append([]byte("\x53\x2a\x4d\x18\x03\x00\x00\x00abc"), frame(20, story)...)
	if all, err = records(t, Open(splitNamed(t, "a.zst", skipped), ReadConfig{})); err != nil || textOf(all) != story {
		t.Errorf("behind a frame to skip: %q %v", textOf(all), err)
	}
}

func TestLittleThatUnpacksToVeryMuchIsReadInBoundedMemory(t *testing.T) {
	const all, bound = 256 << 20, 1 << 20
	parts := slices.Repeat([][]byte{make([]byte, 16<<20)}, all/(16<<20))
	for _, codec := range []mapreduce.Codec{mapreduce.Gzip, mapreduce.Zstd} {
		split := splitNamed(t, "bomb"+endings[codec], packed[codec](t, parts...))
		r := Open(split, ReadConfig{MaxRecord: bound})
		_, err := r.Next(t.Context())
		wantError(t, err, "line at byte 0 is longer than 1 MiB")
		if len(r.buffer) > bound+1 {
			t.Errorf("a buffer of %d bytes", len(r.buffer))
		}
		closeReader(t, r)
		r, total := Open(split, ReadConfig{Records: mapreduce.FixedRecords(1 << 10)}), 0
		for err = nil; err == nil; {
			var batch mapreduce.Batch
			batch, err = r.Next(t.Context())
			total += len(batch.Data)
		}
		if !errors.Is(err, io.EOF) || total != all || len(r.buffer) > defaultBatch {
			t.Errorf("%d bytes by a buffer of %d: %v", total, len(r.buffer), err)
		}
		closeReader(t, r)
	}
}

func TestProgressOfACompressedFileIsThatOfItsFile(t *testing.T) {
	data := gzipped(t, bytes.Repeat([]byte("a line of text\n"), 1<<20))
	split, last := splitNamed(t, "a.gz", data), int64(0)
	_, err := records(t, Open(split, ReadConfig{Progress: func(bytes int64) {
		if bytes <= last {
			t.Errorf("%d bytes after %d", bytes, last)
		}
		last = bytes
	}}))
	if err != nil || last != split.Bytes() {
		t.Errorf("%d of %d bytes: %v", last, split.Bytes(), err)
	}
}

func TestManySmallCompressedFilesShareSplits(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 10_000 {
		text := fmt.Sprintf("file %05d\n", i)
		want = append(want, text)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.gz", i)), gzipped(t, []byte(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	splits := plan(t, PlanConfig{Slots: 2}, dir).splits(t)
	var got []string
	for _, split := range splits {
		all, err := records(t, Open(split, ReadConfig{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			got = append(got, one.Text)
		}
	}
	if !slices.Equal(got, want) || len(splits) > 25 {
		t.Errorf("%d records of %d splits", len(got), len(splits))
	}
}

func TestCompressedFileThatChangesIsSeen(t *testing.T) {
	split := splitNamed(t, "a.gz", gzipped(t, stories...))
	r := Open(split, ReadConfig{BatchSize: 4})
	defer closeReader(t, r)
	if _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := split[0].Source.Name
	if err := rewrite(path, "other"); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		_, err = r.Next(t.Context())
	}
	wantChanged(t, err, path, "was edited")
	_, err = records(t, Open(split, ReadConfig{}))
	wantChanged(t, err, path, "was edited")
}

func TestBlobsOfCompressedFilesAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gz")
	_, err := tryPlan(t, PlanConfig{Blob: 10}, write(t, path, string(gzipped(t, stories...))))
	wantError(t, err, "input "+path, "unpack it")
	_, err = tryPlan(t, PlanConfig{Blob: 10, Records: mapreduce.CSV}, path)
	wantError(t, err, "csv")
}

// Bytes that cannot be unpacked since somebody wrote over them are those of an input that changed, not of one that is damaged.
func TestDamageByAnEditIsAChange(t *testing.T) {
	split := splitNamed(t, "a.gz", gzipped(t, stories...))
	path := split[0].Source.Name
	r := Open(split, ReadConfig{})
	defer closeReader(t, r)
	if err := r.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(path, "other"); err != nil {
		t.Fatal(err)
	}
	wantChanged(t, r.piece.poured.broken(gzip.ErrChecksum), path, "was edited")
}
