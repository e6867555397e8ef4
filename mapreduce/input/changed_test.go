package input

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// edits are what may happen to a file of the lines "one", "two" and "three".
var edits = []struct {
	claim string
	edit  func(path string) error
	words string
}{
	{"appended", func(path string) error {
		return rewrite(path, "one\ntwo\nthree\nx\n")
	}, "grew from 14 to 16 bytes since the job was planned"},
	{"truncated", func(path string) error {
		return os.Truncate(path, 4)
	}, "shrank from 14 to 4 bytes since the job was planned"},
	{"emptied", func(path string) error { return os.Truncate(path, 0) }, "shrank from 14 to 0 bytes"},
	{"edited", func(path string) error { return rewrite(path, "one\ntwo\nTHREE\n") }, "was edited since the job was planned"},
	{"edited and its time restored", editInSecret, "was edited, or its name"},
	{"replaced", replace, "was replaced by another file"},
	{"removed", os.Remove, "is gone"},
	{"replaced by a directory", func(path string) error {
		return errors.Join(os.Remove(path), os.Mkdir(path, 0o755))
	}, "was replaced by a directory"},
	{"replaced by a pipe", func(path string) error {
		return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644))
	}, "was replaced by a named pipe"},
}

// rewrite writes into the file that is there.
func rewrite(path, data string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(data)
	return errors.Join(err, file.Close())
}

func editInSecret(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return errors.Join(rewrite(path, "one\ntwo\nTHREE\n"), os.Chtimes(path, info.ModTime(), info.ModTime()))
}

func replace(path string) error {
	other := path + ".new"
	return errors.Join(os.WriteFile(other, []byte("one\ntwo\nthree\n"), 0o644), os.Rename(other, path))
}

func threeLines(t *testing.T) (string, mapreduce.Split) {
	t.Helper()
	path := write(t, filepath.Join(t.TempDir(), "a.log"), "one\ntwo\nthree\n")
	return path, plan(t, PlanConfig{}, path).splits(t)[0]
}

func wantChanged(t *testing.T, err error, path, words string) {
	t.Helper()
	wantError(t, err, "input changed: "+path+": ", words)
	if !errors.Is(err, mapreduce.ErrInputChanged) {
		t.Errorf("%v does not wrap ErrInputChanged", err)
	}
}

func TestChangeBeforeReadingIsSeen(t *testing.T) {
	for _, test := range edits {
		t.Run(test.claim, func(t *testing.T) {
			path, split := threeLines(t)
			if err := test.edit(path); err != nil {
				t.Fatal(err)
			}
			lines, err := readAll(t, Open(split, ReadConfig{}))
			wantChanged(t, err, path, test.words)
			if len(lines) > 0 {
				t.Errorf("gave %v", lines)
			}
		})
	}
}

func TestChangeWhileReadingIsSeenBeforeTheEnd(t *testing.T) {
	for _, read := range []int{1, 3} { // lines: in the middle; all of them, the end not yet asked for
		for _, test := range edits {
			t.Run(test.claim, func(t *testing.T) {
				path, split := threeLines(t)
				r := Open(split, ReadConfig{BatchSize: 4})
				r.least = 4
				defer closeReader(t, r)
				for range read {
					if _, err := r.Next(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if err := test.edit(path); err != nil {
					t.Fatal(err)
				}
				var err error
				for err == nil {
					_, err = r.Next(t.Context())
				}
				wantChanged(t, err, path, test.words)
				if _, again := r.Next(t.Context()); !errors.Is(again, err) {
					t.Errorf("asked again: %v", again)
				}
			})
		}
	}
}

func TestChangeWhilePlanningIsSeen(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), strings.Repeat("line\n", 100_000))
	file, err := disk{}.look(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 250_000); err != nil {
		t.Fatal(err)
	}
	_, err = openPlanned(t.Context(), file.Source, Reach{})
	wantChanged(t, err, path, "shrank")
	file, err = disk{}.look(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	source, err := openPlanned(t.Context(), file.Source, Reach{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = source.close() }()
	c := cutter{end: file.Size, size: 1000, border: bordersOf(source, mapreduce.Lines, make([]byte, blockSize))}
	err = c.cut(t.Context(), func(offset, _ int64) error {
		if offset > 0 {
			return nil
		}
		return os.Truncate(path, 100_000)
	})
	wantChanged(t, err, path, "shrank from 250000 to 100000 bytes")
}

func TestSourceThatEndsEarlyIsNotTakenForWhole(t *testing.T) {
	path, split := threeLines(t)
	source, err := openPlanned(t.Context(), split[0].Source, Reach{})
	if err != nil {
		t.Fatal(err)
	}
	p := pieceReader{source: source, end: 20} // a file server may hand out fewer bytes than it tells
	defer func() { _ = source.close() }()
	n, err := p.read(make([]byte, 30))
	if n != 14 {
		t.Errorf("read %d bytes", n)
	}
	wantChanged(t, err, path, "ended at byte 14, of 14")
}

func TestFileBehindThePathIsNotTakenForTheOneThatWasRead(t *testing.T) {
	_, split := threeLines(t)
	path, other := threeLines(t)
	file, err := os.Open(split[0].Source.Name)
	if err != nil {
		t.Fatal(err)
	}
	source := plannedFile{file: file, name: path, path: path}
	defer func() { _ = source.close() }()
	if source.id, err = parseIdentity(other[0].Source.Identity); err != nil {
		t.Fatal(err)
	}
	wantChanged(t, source.verify(), path, "was replaced")
}

func TestOtherFileOfTheSplitMayNotChangeEither(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "a\n")
	second := write(t, filepath.Join(dir, "b"), "b\n")
	split := plan(t, PlanConfig{}, dir).splits(t)[0]
	if err := rewrite(second, "B\n"); err != nil {
		t.Fatal(err)
	}
	_, err := readAll(t, Open(split, ReadConfig{}))
	wantChanged(t, err, second, "was edited")
}

func TestSourceReadTwiceIsUnchanged(t *testing.T) {
	_, split := threeLines(t)
	for range 2 {
		if lines, err := readAll(t, Open(split, ReadConfig{})); err != nil || len(lines) != 3 {
			t.Errorf("%d lines: %v", len(lines), err)
		}
	}
}

func TestOtherMountOfTheSameDiskIsNoChange(t *testing.T) {
	_, split := threeLines(t)
	id, err := parseIdentity(split[0].Source.Identity)
	if err != nil {
		t.Fatal(err)
	}
	id.device++
	split[0].Source.Identity = id.String()
	if _, err := readAll(t, Open(split, ReadConfig{})); err != nil {
		t.Error(err)
	}
}

func TestPlanWaitsUntilFilesAreQuiet(t *testing.T) {
	began := time.Now()
	_, split := threeLines(t)
	id, err := parseIdentity(split[0].Source.Identity)
	if err != nil {
		t.Fatal(err)
	}
	for _, stamp := range []int64{id.mtime, id.ctime} {
		if age := time.Since(time.Unix(0, stamp)); age < tick {
			t.Errorf("planned when the file was %v old (%v after the test began)", age, time.Since(began))
		}
	}
}

func TestReadersCheckEveryPieceOfAFile(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), "one\ntwo\n")
	splits := plan(t, PlanConfig{SplitSize: 4}, path).splits(t)
	if err := rewrite(path, "ONE\n"); err != nil {
		t.Fatal(err)
	}
	r := Open(splits[1], ReadConfig{})
	defer closeReader(t, r)
	_, err := r.Next(t.Context())
	wantChanged(t, err, path, "was edited")
	if errors.Is(err, io.EOF) {
		t.Error("the end was reported")
	}
}
