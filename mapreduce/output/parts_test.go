package output

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jetreduce/mapreduce"
)

func dirTarget(dir string) mapreduce.Target {
	return mapreduce.Target{To: URL(filepath.Join(dir, "out")) + "/"}
}

func forcedDir(dir string) mapreduce.Target {
	return mapreduce.Target{To: dirTarget(dir).To, Force: true}
}

// beginDir is a directory with these parts, each with one row for each letter.
func beginDir(t *testing.T, target mapreduce.Target, parts ...string) *Parts {
	t.Helper()
	p, err := NewParts(PartsConfig{Target: target, Parts: len(parts)})
	must(t, err)
	t.Cleanup(func() {
		if err := p.Discard(); err != nil {
			t.Error(err)
		}
	})
	fillParts(t, p, parts...)
	return p
}

func fillParts(t *testing.T, p *Parts, parts ...string) {
	t.Helper()
	for n, letters := range parts {
		must(t, p.Next())
		for _, letter := range letters {
			must(t, p.Row([]byte(string(letter)), fmt.Append(nil, n)))
		}
	}
}

// wantParts checks that dir/out holds parts as beginDir makes them, and nothing else, and dir nothing but that.
func wantParts(t *testing.T, dir string, parts ...string) {
	t.Helper()
	names := []string{successName}
	for n, letters := range parts {
		var text strings.Builder
		for _, letter := range letters {
			fmt.Fprintf(&text, "%c\t%d\n", letter, n)
		}
		names = append(names, partName(n, ""))
		wantFile(t, filepath.Join(dir, "out", names[n+1]), text.String())
	}
	wantNames(t, filepath.Join(dir, "out"), names...)
	wantNames(t, dir, "out")
}

func TestDirectoryIsNotSeenBeforePublish(t *testing.T) {
	dir := t.TempDir()
	p := beginDir(t, dirTarget(dir), "ab", "", "c")
	if visible(t, dir) != 0 {
		t.Error("something is there already")
	}
	must(t, p.Flush())
	if visible(t, dir) != 0 {
		t.Error("something is there already")
	}
	if err := p.Row([]byte("late"), nil); err == nil {
		t.Error("it takes a row behind its last")
	}
	must(t, p.Publish())
	must(t, p.Publish())
	must(t, p.Discard())
	wantParts(t, dir, "ab", "", "c")
	if err := p.Next(); err == nil {
		t.Error("a published directory takes more")
	}
}

func TestListSaysWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	p := beginDir(t, dirTarget(dir), "ab", "")
	must(t, p.Publish())
	text, err := os.ReadFile(filepath.Join(dir, "out", successName))
	must(t, err)
	var listed manifest
	must(t, json.Unmarshal(text, &listed))
	if listed.Version != 1 || listed.Rows != 2 || p.Count() != 2 {
		t.Errorf("%s, %d rows", text, p.Count())
	}
	if listed.Digest != p.Digest() || listed.digest() != p.Digest() || p.Digest() == 0 {
		t.Errorf("%s, digest %x", text, uint64(p.Digest()))
	}
	if len(listed.Parts) != 2 || listed.Parts[0].Bytes != 8 || listed.Parts[0].Rows != 2 || listed.Parts[1].Rows != 0 {
		t.Errorf("%s", text)
	}
}

// The digest tells apart whatever readers could.
func TestDigestIsOfNamesAndBytes(t *testing.T) {
	seen := map[mapreduce.Digest]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"a"}, {"b"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"b", "a"}} {
		p := beginDir(t, dirTarget(t.TempDir()), parts...)
		must(t, p.Flush())
		if other, known := seen[p.Digest()]; known {
			t.Errorf("%q and %s have one digest", parts, other)
		}
		seen[p.Digest()] = fmt.Sprintf("%q", parts)
	}
	one, other := manifest{Parts: []Part{{Name: "part-00000"}}}, manifest{Parts: []Part{{Name: "part-00000.gz"}}}
	if one.digest() == other.digest() {
		t.Error("names do not count")
	}
}

func TestDiscardedDirectoryLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, flushed := range []bool{false, true} {
		p := beginDir(t, dirTarget(dir), "a", "b")
		if flushed {
			must(t, p.Flush())
		}
		must(t, p.Discard())
		must(t, p.Discard())
		wantNames(t, dir)
		if p.Publish() == nil || p.Next() == nil || p.Row(nil, nil) == nil {
			t.Error("a discarded directory goes on")
		}
		wantNames(t, dir)
	}
}

func TestFullDiskEndsADirectory(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no /dev/full here: %v", err)
	}
	dir := t.TempDir()
	p := beginDir(t, dirTarget(dir), "a", "b")
	must(t, p.part.file.Close())
	p.part.file = full
	message := "write " + filepath.Join(dir, "out") + "/part-00001: no space left on device"
	for _, err := range []error{p.Next(), p.Row(nil, nil), p.Flush(), p.Publish()} {
		if err == nil || !strings.HasPrefix(err.Error(), message) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got error %v, want %s", err, message)
		}
	}
	must(t, p.Discard())
	wantNames(t, dir)
}

// What fsync refuses may be lost: it is found out before the end of the job is decided.
func TestFailedFsyncOfAPartIsFinal(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	must(t, err)
	if null.Sync() == nil {
		t.Skip("this system syncs its null device")
	}
	dir := t.TempDir()
	p := beginDir(t, dirTarget(dir), "a")
	must(t, p.part.file.Close())
	p.part.file = null
	for range 2 {
		wantError(t, p.Flush(), "write "+filepath.Join(dir, "out"))
		wantError(t, p.Publish(), "write "+filepath.Join(dir, "out"))
	}
	must(t, p.Discard())
	wantNames(t, dir)
}

func TestManyPartsNeedFewOpenFiles(t *testing.T) {
	dir := t.TempDir()
	p := beginDir(t, dirTarget(dir))
	open := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no way to count open files here")
		}
		return len(names)
	}
	before, parts := open(), make([]string, 300)
	for n := range parts {
		parts[n] = "x"
		must(t, p.Next())
		must(t, p.Row([]byte("x"), fmt.Append(nil, n)))
		if more := open() - before; more > maxSyncs+1 {
			t.Fatalf("%d more open files at part %d", more, n)
		}
	}
	must(t, p.Publish())
	wantParts(t, dir, parts...)
}

func TestTooManyPartsAreRefused(t *testing.T) {
	_, err := NewParts(PartsConfig{Target: dirTarget(t.TempDir()), Parts: MaxParts + 1})
	wantError(t, err, "100001 parts, 100000 at most: ask for fewer reduces, or, where each map makes a part, for larger splits")
	if !mapreduce.IsPermanent(err) {
		t.Error("another attempt would do no better")
	}
}

func TestPartNamesHaveFiveDigitsOrMore(t *testing.T) {
	for n, name := range map[int]string{0: "part-00000", 99999: "part-99999", 100000: "part-100000"} {
		for _, codec := range codecs {
			if got := partName(n, codec); got != name+ending(codec) || !isPartName(got) {
				t.Errorf("part %d is %s", n, got)
			}
		}
	}
}
