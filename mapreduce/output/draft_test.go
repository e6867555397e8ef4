package output

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// eachWay runs a test with files that have no name, where the system can, and with hidden ones.
func eachWay(t *testing.T, test func(t *testing.T, begin func(mapreduce.Target) *Draft)) {
	for name, open := range map[string]func(string) (*os.File, error){"unnamed": openUnnamed, "hidden": cannot} {
		t.Run(name, func(t *testing.T) {
			if file, err := open(t.TempDir()); err == nil {
				file.Close()
			} else if name == "unnamed" {
				t.Skipf("no files without a name here: %v", err)
			}
			test(t, func(target mapreduce.Target) *Draft { return begin(t, target, open) })
		})
	}
}

func cannot(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func begin(t *testing.T, target mapreduce.Target, open func(string) (*os.File, error)) *Draft {
	t.Helper()
	draft, err := newDraft(target, open)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := draft.Discard(); err != nil {
			t.Error(err)
		}
	})
	return draft
}

func fill(t *testing.T, draft *Draft, content string) *Draft {
	t.Helper()
	if n, err := draft.Write([]byte(content)); n != len(content) || err != nil {
		t.Fatalf("wrote %d bytes: %v", n, err)
	}
	return draft
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func target(dir string) mapreduce.Target {
	return mapreduce.Target{To: URL(filepath.Join(dir, "out.csv"))}
}

func forced(dir string) mapreduce.Target { return mapreduce.Target{To: target(dir).To, Force: true} }

// want checks that a directory holds out.csv with this content and nothing else.
func want(t *testing.T, dir, content string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, "out.csv"))
	if err != nil || string(got) != content {
		t.Errorf("out.csv is %q (%v), want %q", got, err, content)
	}
	wantNames(t, dir, "out.csv")
}

func wantNames(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("the directory holds %q, want %q", got, names)
	}
}

// visible is the names that are not hidden.
func visible(t *testing.T, dir string) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
	must(t, err)
	return len(names)
}

func TestNothingIsSeenBeforePublish(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		dir := t.TempDir()
		draft := fill(t, fill(t, begin(target(dir)), "a,1\r\n"), "b,2\r\n")
		if visible(t, dir) != 0 {
			t.Error("something is there already")
		}
		if draft.temp == "" {
			wantNames(t, dir)
		}
		must(t, draft.Publish())
		want(t, dir, "a,1\r\nb,2\r\n")
		if draft.Size() != 10 || draft.Digest() != mapreduce.Digest(xxh3.HashString("a,1\r\nb,2\r\n")) {
			t.Errorf("size %d, digest %x", draft.Size(), uint64(draft.Digest()))
		}
	})
}

func TestDiscardLeavesNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		dir := t.TempDir()
		draft := fill(t, begin(target(dir)), "a")
		must(t, draft.Discard())
		must(t, draft.Discard())
		wantNames(t, dir)
		if _, err := draft.Write([]byte("b")); err == nil {
			t.Error("a discarded draft takes more")
		}
		if err := draft.Publish(); err == nil {
			t.Error("a discarded draft is published")
		}
		wantNames(t, dir)
	})
}

func TestPublishTwiceIsPublishOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		dir := t.TempDir()
		draft := fill(t, begin(target(dir)), "a")
		must(t, draft.Publish())
		must(t, draft.Publish())
		must(t, draft.Discard())
		must(t, draft.Publish())
		if _, err := draft.Write([]byte("b")); err == nil {
			t.Error("a published draft takes more")
		}
		want(t, dir, "a")
	})
}

func TestAnotherAttemptMayHavePublishedTheSame(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		for _, to := range []func(string) mapreduce.Target{target, forced} {
			dir := t.TempDir()
			first, second := fill(t, begin(to(dir)), "same"), fill(t, begin(to(dir)), "same")
			must(t, first.Publish())
			before, err := os.Stat(first.Path())
			must(t, err)
			must(t, second.Publish())
			must(t, fill(t, begin(to(dir)), "same").Publish()) // also one that began afterwards
			after, err := os.Stat(first.Path())
			must(t, err)
			if !os.SameFile(before, after) {
				t.Error("the same bytes were replaced")
			}
			want(t, dir, "same")
		}
	})
}

func TestWhatAppearedMeanwhileIsNotOverwritten(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		for _, theirs := range []string{"theirs", "longer than ours", ""} {
			dir := t.TempDir()
			draft := fill(t, begin(target(dir)), "ours..")
			must(t, os.WriteFile(draft.Path(), []byte(theirs), 0o644))
			for range 2 {
				err := draft.Publish()
				wantError(t, err, "publish "+draft.Path()+": out.csv exists: it appeared while the job ran; nothing was overwritten")
				if !mapreduce.IsPermanent(err) {
					t.Error("another attempt would do no better")
				}
			}
			must(t, draft.Discard())
			want(t, dir, theirs)
		}
	})
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got error %v, want %s", err, text)
	}
}

func TestOneOfTwoRacingDraftsWins(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		for round := range 50 {
			dir := t.TempDir()
			same := round%2 == 0
			contents := []string{"first", "other"}
			if same {
				contents[1] = contents[0]
			}
			var drafts [2]*Draft
			for i, content := range contents {
				drafts[i] = fill(t, begin(target(dir)), content)
			}
			var errs [2]error
			var both sync.WaitGroup
			for i := range drafts {
				both.Go(func() { errs[i] = drafts[i].Publish() })
			}
			both.Wait()
			if same && errors.Join(errs[:]...) != nil || !same && (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("same %v: %v", same, errs)
			}
			winner := 0
			if errs[0] != nil {
				winner = 1
				wantError(t, errs[0], "nothing was overwritten")
			}
			must(t, drafts[0].Discard())
			must(t, drafts[1].Discard())
			want(t, dir, contents[winner])
		}
	})
}

func TestForceReplacesAndKeepsTheMode(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		dir := t.TempDir()
		path := filepath.Join(dir, "out.csv")
		must(t, os.WriteFile(path, []byte("old"), 0o600))
		must(t, os.Chmod(path, 0o640))
		must(t, Check(forced(dir)))
		draft := fill(t, begin(forced(dir)), "new")
		if old, err := os.ReadFile(path); err != nil || string(old) != "old" {
			t.Errorf("before Publish out.csv is %q, %v", old, err)
		}
		must(t, draft.Publish())
		want(t, dir, "new")
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	})
}

func TestForceWithNothingThereIsPlain(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		dir := t.TempDir()
		must(t, fill(t, begin(forced(dir)), "new").Publish())
		want(t, dir, "new")
	})
}

func TestForceFollowsASymbolicLink(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		dir, elsewhere := t.TempDir(), t.TempDir()
		must(t, os.WriteFile(filepath.Join(elsewhere, "out.csv"), []byte("old"), 0o644))
		must(t, os.Symlink(filepath.Join(elsewhere, "out.csv"), filepath.Join(dir, "out.csv")))
		must(t, fill(t, begin(forced(dir)), "new").Publish())
		want(t, elsewhere, "new")
		want(t, dir, "new")
		if info, err := os.Lstat(filepath.Join(dir, "out.csv")); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("the link is %v, %v", info.Mode(), err)
		}
	})
}

func TestForceNeverReplacesWhatIsNoFile(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		dir := t.TempDir()
		draft := fill(t, begin(forced(dir)), "new")
		must(t, syscall.Mkfifo(draft.Path(), 0o600))
		wantError(t, draft.Publish(), "only a regular file can be replaced")
		wantError(t, Check(forced(dir)), "only a regular file can be replaced")
		if _, err := newDraft(forced(dir), cannot); err == nil {
			t.Error("a draft for a FIFO")
		}
		must(t, draft.Discard())
		wantNames(t, dir, "out.csv")
	})
}

func TestNewFilesHaveTheUsualMode(t *testing.T) {
	eachWay(t, func(t *testing.T, begin func(mapreduce.Target) *Draft) {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "usual"), nil, 0o666))
		usual, err := os.Stat(filepath.Join(dir, "usual"))
		must(t, err)
		draft := begin(target(dir))
		must(t, draft.Publish())
		if info, err := os.Stat(draft.Path()); err != nil || info.Mode() != usual.Mode() {
			t.Errorf("mode %v, %v; want %v", info.Mode(), err, usual.Mode())
		}
	})
}

func TestFullDiskIsSaidClearlyAndNeverPublished(t *testing.T) {
	dir := t.TempDir()
	full := func(string) (*os.File, error) { return os.OpenFile("/dev/full", os.O_RDWR, 0) }
	if file, err := full(dir); err != nil {
		t.Skipf("no /dev/full here: %v", err)
	} else {
		file.Close()
	}
	draft := begin(t, target(dir), full)
	_, err := draft.Write(bytes.Repeat([]byte("a"), 10))
	message := "write " + filepath.Join(dir, "out.csv") + ": no space left on device"
	if err == nil || err.Error() != message || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got error %v, want %s", err, message)
	}
	if err := draft.Publish(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("publish: %v", err)
	}
	must(t, draft.Discard())
	wantNames(t, dir)
}

// What fsync refuses may be lost, and the next fsync would not say so again.
func TestFailedFsyncIsFinal(t *testing.T) {
	dir := t.TempDir()
	draft := begin(t, target(dir), func(string) (*os.File, error) { return os.OpenFile(os.DevNull, os.O_RDWR, 0) })
	if draft.file.Sync() == nil {
		t.Skip("this system syncs its null device")
	}
	for range 2 {
		err := draft.Publish()
		wantError(t, err, "write "+draft.Path())
		if draft.err == nil || err.Error() != draft.err.Error() {
			t.Errorf("the draft may go on after %v", err)
		}
	}
	wantNames(t, dir)
}

func TestLongNamesLeaveRoomForTheHiddenOne(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, strings.Repeat("ã", 126)+".c")
	draft := begin(t, mapreduce.Target{To: URL(path)}, cannot)
	must(t, draft.Publish())
	wantNames(t, dir, filepath.Base(path))
}
