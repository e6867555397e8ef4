package output

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"jetreduce/mapreduce"
)

var codecs = []mapreduce.Codec{"", mapreduce.Gzip, mapreduce.Zstd}

// unpack reads what was packed, by the standard library where that can.
func unpack(t *testing.T, codec mapreduce.Codec, packed []byte) []byte {
	t.Helper()
	var reader io.Reader = bytes.NewReader(packed)
	switch codec {
	case mapreduce.Gzip:
		zip, err := gzip.NewReader(reader)
		must(t, err)
		if !zip.ModTime.IsZero() || zip.Name != "" || zip.Comment != "" || len(zip.Extra) > 0 {
			t.Errorf("header %+v", zip.Header)
		}
		reader = zip
	case mapreduce.Zstd:
		frames, err := zstd.NewReader(reader, zstd.WithDecoderConcurrency(1))
		must(t, err)
		defer frames.Close()
		reader = frames
	}
	text, err := io.ReadAll(reader)
	must(t, err)
	return text
}

// text is lines of some hundred kilobytes, more or less alike.
func text(seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 7))
	var lines bytes.Buffer
	for n := range 20_000 {
		fmt.Fprintf(&lines, "word%d\t%d\n", random.IntN(5000), n)
	}
	return lines.Bytes()
}

func pack(t *testing.T, p io.WriteCloser, content []byte) {
	t.Helper()
	for part := range chunks(content, 1000) {
		if _, err := p.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	must(t, p.Close())
}

func chunks(content []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(content) > 0 {
			n := min(size, len(content))
			if !yield(content[:n]) {
				return
			}
			content = content[n:]
		}
	}
}

// Two attempts are compared by a digest: what is written depends on the rows alone, and not on what was packed before.
func TestPackedBytesDependOnTheContentAlone(t *testing.T) {
	for _, codec := range codecs {
		used, err := newPacker(codec)
		must(t, err)
		for seed := range uint64(3) {
			content := text(seed)
			if seed == 1 {
				content = nil
			}
			var fresh, again bytes.Buffer
			p, err := Pack(&fresh, codec)
			must(t, err)
			pack(t, p, content)
			used.Reset(&again)
			pack(t, used, content)
			if !bytes.Equal(fresh.Bytes(), again.Bytes()) {
				t.Errorf("%s: %d bytes, and %d", codec, fresh.Len(), again.Len())
			}
			if got := unpack(t, codec, fresh.Bytes()); !bytes.Equal(got, content) {
				t.Errorf("%s: %d bytes come back of %d", codec, len(got), len(content))
			}
			if codec != "" && len(content) > 0 && fresh.Len() > len(content)/2 || codec != "" && fresh.Len() == 0 {
				t.Errorf("%s: %d bytes of %d", codec, fresh.Len(), len(content))
			}
		}
	}
	if _, err := Pack(io.Discard, "bzip2"); !mapreduce.IsPermanent(err) {
		t.Error(err)
	}
}

func TestCompressedPartsAreAlikeWhoeverMadeThem(t *testing.T) {
	for _, codec := range codecs {
		dir := t.TempDir()
		target := dirTarget(dir)
		target.Codec = codec
		var digests [2]mapreduce.Digest
		for i := range digests {
			p := beginDir(t, target, "aaaabbbb", "", "c")
			must(t, p.Publish())
			digests[i] = p.Digest()
		}
		if digests[0] != digests[1] {
			t.Errorf("%s: digests %x", codec, digests)
		}
		for n, want := range []string{"a\t0\na\t0\na\t0\na\t0\nb\t0\nb\t0\nb\t0\nb\t0\n", "", "c\t2\n"} {
			packed, err := os.ReadFile(filepath.Join(dir, "out", fmt.Sprintf("part-%05d%s", n, map[mapreduce.Codec]string{
				"": "", mapreduce.Gzip: ".gz", mapreduce.Zstd: ".zst"}[codec])))
			must(t, err)
			if got := unpack(t, codec, packed); string(got) != want {
				t.Errorf("%s: part %d holds %q", codec, n, got)
			}
		}
	}
}

func TestPackersTellOfTheWriterBelow(t *testing.T) {
	for _, codec := range codecs {
		p, err := Pack(failing{os.ErrClosed}, codec)
		must(t, err)
		_, err = p.Write([]byte("text"))
		if second := p.Close(); err == nil && second == nil {
			t.Errorf("%s: the error was lost", codec)
		}
	}
}

// A name that no output can have is refused before any work is done.
func TestCodecsThatAreNotWrittenAreRefusedByName(t *testing.T) {
	dir := t.TempDir()
	bz2 := mapreduce.Target{To: URL(filepath.Join(dir, "out.tsv.bz2"))}
	for _, err := range []error{Check(bz2), Vacant("", bz2), Vacant(dir, bz2)} {
		wantError(t, err, "bzip2 is read and not written: end the name in .gz or .zst")
	}
	must(t, Check(mapreduce.Target{To: URL(filepath.Join(dir, "out.tsv.gz"))}))
}
