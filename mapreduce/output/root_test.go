package output

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// jail is a root, and a directory beside it that is not in it.
func jail(t *testing.T) (root, outside string) {
	t.Helper()
	dir := t.TempDir()
	root, outside = filepath.Join(dir, "data"), filepath.Join(dir, "other")
	for _, dir := range []string{filepath.Join(root, "sub"), outside} {
		must(t, os.MkdirAll(dir, 0o755))
	}
	return root, outside
}

func publishUnder(root, path, content string, force bool) error {
	draft, err := NewDraftUnder(root, mapreduce.Target{To: URL(path), Force: force})
	if err != nil {
		return err
	}
	if _, err := draft.Write([]byte(content)); err != nil {
		return err
	}
	if err := draft.Publish(); err != nil {
		_ = draft.Discard()
		return err
	}
	return draft.Discard()
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v), want %q", path, got, err, want)
	}
}

func TestOutputUnderTheRootAppears(t *testing.T) {
	root, _ := jail(t)
	must(t, os.Symlink("sub", filepath.Join(root, "link")))
	must(t, os.Symlink(root, root+".alias"))
	for i, path := range []string{root + "/out", root + "/sub/out", root + "/link/out2", root + "/sub/../out3", root + ".alias/out4"} {
		under := root
		if strings.Contains(path, "alias") {
			under = root + ".alias"
		}
		must(t, publishUnder(under, path, "rows", false))
		wantFile(t, path, "rows")
		must(t, publishUnder(under, path, "rows", false)) // once more is no more
		if err := publishUnder(under, path, "other", false); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "exists") {
			t.Errorf("%d: %v", i, err)
		}
		must(t, publishUnder(under, path, "other", true))
		wantFile(t, path, "other")
	}
	names, err := os.ReadDir(root)
	if err != nil || len(names) != 5 { // no hidden ones
		t.Errorf("%v %v", names, err)
	}
}

func TestNoOutputLeavesTheRoot(t *testing.T) {
	root, outside := jail(t)
	theirs := filepath.Join(outside, "theirs")
	must(t, os.WriteFile(theirs, []byte("theirs"), 0o644))
	must(t, os.Symlink(outside, filepath.Join(root, "abs")))
	must(t, os.Symlink("../other", filepath.Join(root, "rel")))
	must(t, os.Symlink(theirs, filepath.Join(root, "file")))
	must(t, os.Symlink(filepath.Join(outside, "new"), filepath.Join(root, "dangling")))
	for _, path := range []string{
		theirs, filepath.Join(outside, "new"), root + "/../other/new", root + "-more", root + "/abs/new", root + "/rel/theirs",
		root + "/file", root + "/dangling", root, filepath.Dir(root),
	} {
		for _, force := range []bool{false, true} {
			if err := publishUnder(root, path, "ours", force); err == nil {
				t.Errorf("%s was written", path)
			}
		}
	}
	wantFile(t, theirs, "theirs")
	if names, err := os.ReadDir(outside); err != nil || len(names) != 1 {
		t.Errorf("%v %v", names, err)
	}
	if err := publishUnder(root, root+"/file", "", true); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "is a symbolic link") {
		t.Error(err)
	}
	if err := publishUnder(root, theirs, "", false); !mapreduce.IsPermanent(err) ||
		err.Error() != "output "+theirs+": outside of this worker's --root "+root {
		t.Error(err)
	}
}

// The directory becomes a link out of the root, or the name does, when the draft has begun.
func TestLinkSwappedInAfterTheDraftBeganIsNotFollowedOut(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no way by a directory's descriptor here")
	}
	root, outside := jail(t)
	theirs := filepath.Join(outside, "out")
	must(t, os.WriteFile(theirs, []byte("theirs"), 0o644))
	path := filepath.Join(root, "sub", "out")
	draft, err := NewDraftUnder(root, mapreduce.Target{To: URL(path), Force: true})
	must(t, err)
	fill(t, draft, "ours")
	must(t, os.Rename(filepath.Join(root, "sub"), filepath.Join(root, "moved")))
	must(t, os.Symlink(outside, filepath.Join(root, "sub")))
	must(t, draft.Publish())
	must(t, draft.Discard())
	wantFile(t, theirs, "theirs")
	wantFile(t, filepath.Join(root, "moved", "out"), "ours")

	draft, err = NewDraftUnder(root, mapreduce.Target{To: URL(filepath.Join(root, "late")), Force: true})
	must(t, err)
	fill(t, draft, "theirs")
	must(t, os.Symlink(theirs, filepath.Join(root, "late")))
	if err := draft.Publish(); err == nil {
		t.Error("published over a link")
	}
	must(t, draft.Discard())
	wantFile(t, theirs, "theirs")
}

func TestScratchDraftIsReadAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	draft, err := NewScratchDraft(dir)
	must(t, err)
	fill(t, draft, "rows")
	got, err := io.ReadAll(io.NewSectionReader(draft, 0, draft.Size()))
	if string(got) != "rows" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	must(t, draft.Discard())
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("%v %v", names, err)
	}
}
