package output

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

func publishPartsUnder(root, path, content string, force bool) error {
	p, err := NewParts(PartsConfig{Root: root, Target: mapreduce.Target{To: URL(path) + "/", Force: force}})
	if err != nil {
		return err
	}
	return errors.Join(p.Next(), p.Row([]byte(content), nil), p.Publish(), p.Discard())
}

func TestDirectoryUnderTheRootAppears(t *testing.T) {
	root, _ := jail(t)
	must(t, os.Symlink("sub", filepath.Join(root, "link")))
	must(t, os.Symlink(root, root+".alias"))
	for _, path := range []string{root + "/out", root + "/sub/out", root + "/link/out2", root + "/sub/../out3", root + ".alias/out4"} {
		under := root
		if strings.Contains(path, "alias") {
			under = root + ".alias"
		}
		must(t, publishPartsUnder(under, path, "rows", false))
		must(t, publishPartsUnder(under, path, "rows", false)) // once more is no more
		if err := publishPartsUnder(under, path, "other", false); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "exists") {
			t.Error(err)
		}
		wantFile(t, filepath.Join(path, "part-00000"), "rows\t\n")
		must(t, publishPartsUnder(under, path, "other", true))
		wantFile(t, filepath.Join(path, "part-00000"), "other\t\n")
	}
	wantNames(t, root, "link", "out", "out3", "out4", "sub")
}

func TestNoDirectoryLeavesTheRoot(t *testing.T) {
	root, outside := jail(t)
	theirs := filepath.Join(outside, "theirs")
	must(t, publishPartsUnder("", theirs, "theirs", false))
	must(t, os.Symlink(outside, filepath.Join(root, "abs")))
	must(t, os.Symlink("../other", filepath.Join(root, "rel")))
	must(t, os.Symlink(theirs, filepath.Join(root, "dir")))
	must(t, os.Symlink(filepath.Join(outside, "new"), filepath.Join(root, "dangling")))
	before := tree(t, filepath.Dir(root))
	for _, path := range []string{
		theirs, filepath.Join(outside, "new"), root + "/../other/new", root + "-more", root + "/abs/new", root + "/rel/theirs",
		root + "/dir", root + "/dangling", root, filepath.Dir(root),
	} {
		for _, force := range []bool{false, true} {
			if err := publishPartsUnder(root, path, "ours", force); err == nil {
				t.Errorf("%s was written", path)
			}
		}
	}
	if after := tree(t, filepath.Dir(root)); after != before {
		t.Errorf("%s, was %s", after, before)
	}
	err := publishPartsUnder(root, theirs, "", false)
	if !mapreduce.IsPermanent(err) || err.Error() != "output "+theirs+": outside of this worker's --root "+root {
		t.Error(err)
	}
	wantError(t, publishPartsUnder(root, root+"/dir", "", true), "is a symbolic link")
}

// The directory around becomes a link out of the root, or the name does, or the hidden one, when the work has begun.
func TestLinkSwappedInIsNotFollowedOutByADirectory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no way by a directory's descriptor here")
	}
	root, outside := jail(t)
	must(t, publishPartsUnder("", filepath.Join(outside, "out"), "theirs", false))
	before := tree(t, outside)
	begin := func(path string) *Parts {
		p, err := NewParts(PartsConfig{Root: root, Target: mapreduce.Target{To: URL(filepath.Join(root, path)) + "/", Force: true}})
		must(t, err)
		fillParts(t, p, "a")
		return p
	}
	p := begin("sub/out")
	must(t, os.Rename(filepath.Join(root, "sub"), filepath.Join(root, "moved")))
	must(t, os.Symlink(outside, filepath.Join(root, "sub")))
	must(t, p.Publish())
	wantFile(t, filepath.Join(root, "moved", "out", "part-00000"), "a\t0\n")

	p = begin("late")
	must(t, os.Symlink(filepath.Join(outside, "out"), filepath.Join(root, "late")))
	wantError(t, p.Publish(), "is a symbolic link")
	must(t, p.Discard())

	p = begin("hidden")
	must(t, os.Rename(filepath.Join(root, p.hidden), filepath.Join(root, "taken")))
	must(t, os.Symlink(filepath.Join(outside, "out"), filepath.Join(root, p.hidden)))
	must(t, p.Next())
	must(t, p.Row([]byte("b"), nil))
	if err := p.Discard(); err == nil {
		t.Error("nothing was noticed")
	}
	if after := tree(t, outside); after != before {
		t.Errorf("%s, was %s", after, before)
	}
}
