package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jetreduce/mapreduce"
)

// Whatever is no part of a result is nobody's to remove, whenever it came.
func TestForceRefusesADirectoryThatHoldsAnythingElse(t *testing.T) {
	for _, name := range []string{
		"notes.txt", ".hidden", "part-1", "part-00000.txt", "part-00000.gz.gz", "part-00000.zst.gz", "part-x", "sub", "link", "fifo", "_success",
	} {
		dir := t.TempDir()
		out := filepath.Join(dir, "out")
		must(t, beginDir(t, dirTarget(dir), "old").Publish())
		p := beginDir(t, forcedDir(dir), "new")
		path := filepath.Join(out, name)
		switch name {
		case "sub":
			must(t, os.Mkdir(path, 0o755))
		case "link":
			must(t, os.Remove(filepath.Join(out, "part-00000")))
			path = filepath.Join(out, "part-00000")
			must(t, os.Symlink("/etc/hosts", path))
		case "fifo":
			path = filepath.Join(out, "part-00009")
			must(t, syscall.Mkfifo(path, 0o600))
		default:
			must(t, os.WriteFile(path, []byte("mine"), 0o644))
		}
		text := fmt.Sprintf("%s holds %q, which is no part of a result: nothing was replaced", out, filepath.Base(path))
		for _, err := range []error{p.Publish(), Check(forcedDir(dir)), Vacant("", forcedDir(dir))} {
			wantError(t, err, text)
			if !mapreduce.IsPermanent(err) {
				t.Error("another attempt would do no better")
			}
		}
		must(t, p.Discard())
		wantNames(t, dir, "out")
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
		if _, err := NewParts(PartsConfig{Target: forcedDir(dir)}); err == nil {
			t.Error("it begins")
		}
	}
}

// What comes between the last look and the exchange is found in what was exchanged, and both go back.
func TestWhatCameAtTheLastMomentIsPutBack(t *testing.T) {
	dir := t.TempDir()
	must(t, beginDir(t, dirTarget(dir), "old").Publish())
	p := beginDir(t, forcedDir(dir), "new")
	must(t, p.Flush())
	must(t, os.WriteFile(filepath.Join(dir, "out", "notes.txt"), []byte("mine"), 0o644))
	before := tree(t, filepath.Join(dir, "out"))
	wantError(t, p.swap(0o755), `holds "notes.txt", which is no part of a result: nothing was replaced`)
	must(t, p.Discard())
	if after := tree(t, filepath.Join(dir, "out")); after != before {
		t.Errorf("%s, was %s", after, before)
	}
	wantNames(t, dir, "out")
}

func TestForceFollowsASymbolicLinkToADirectory(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	must(t, beginDir(t, dirTarget(elsewhere), "old").Publish())
	must(t, os.Symlink(filepath.Join(elsewhere, "out"), filepath.Join(dir, "out")))
	wantError(t, Check(dirTarget(dir)), "out is a symbolic link: name the directory that it leads to")
	must(t, beginDir(t, forcedDir(dir), "new").Publish())
	wantParts(t, elsewhere, "new")
	wantNames(t, dir, "out")
	if info, err := os.Lstat(filepath.Join(dir, "out")); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
}

// Systems that can neither refuse nor exchange in one step.
func TestDirectoriesAreRenamedInStepsWhereNothingElseGoes(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer root.Close()
	for _, name := range []string{"a", "b"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name, "in-"+name), nil, 0o644))
	}
	must(t, exchangeInSteps(root, "a", "b"))
	wantNames(t, filepath.Join(dir, "a"), "in-b")
	wantNames(t, filepath.Join(dir, "b"), "in-a")
	if err := exchangeInSteps(root, "missing", "b"); err == nil {
		t.Error("exchanged with nothing")
	}
	wantNames(t, dir, "a", "b")
	must(t, os.Mkdir(filepath.Join(dir, "c"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "d"), nil, 0o644))
	for _, name := range []string{"b", "c", "d"} {
		if err := renameLooked(root, "a", name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("renamed to %s: %v", name, err)
		}
		if err := renameDir(root, "a", name); !errors.Is(err, fs.ErrExist) {
			t.Errorf("renamed to %s: %v", name, err)
		}
	}
	must(t, renameLooked(root, "a", "e"))
	wantNames(t, dir, "b", "c", "d", "e")
}

func TestCheckSaysWhatToDoForADirectory(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	before := tree(t, dir)
	for to, text := range map[string]string{
		URL(dir + "/file/"):                         "is a file: leave out the slash behind its name",
		URL(dir + "/dangling/"):                     "is a symbolic link",
		URL(dir + "/fifo/"):                         "is there and is no directory",
		URL(dir + "/fifo/x/"):                       dir + "/fifo is no directory",
		URL(dir + "/missing/out/"):                  "mkdir -p " + dir + "/missing",
		URL(dir + "/file/out/"):                     dir + "/file is no directory",
		URL(dir+"/"+strings.Repeat("x", 256)) + "/": "choose a shorter name: file name too long",
		"file:///":                                  "name a file or a directory that is to be made",
		"file:////":                                 "name a file or a directory that is to be made",
		"file:///x/?y/":                             "? as %3F",
		"file://host/x/":                            `host "host"`,
		URL(dir+"/nul\x00") + "/":                   "invalid argument",
	} {
		for _, force := range []bool{false, true} {
			target := mapreduce.Target{To: to, Force: force}
			wantError(t, Check(target), text)
			if _, err := NewParts(PartsConfig{Target: target}); err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: began with %v", to, err)
			}
		}
	}
	must(t, Check(dirTarget(dir)))
	wantError(t, Check(mapreduce.Target{To: dirTarget(dir).To, Format: "xml"}), "use tsv, csv or ndjson")
	if after := tree(t, dir); after != before {
		t.Errorf("left behind: %s, was %s", after, before)
	}
	must(t, os.Mkdir(filepath.Join(dir, "out"), 0o755)) // even an empty one
	for _, err := range []error{Check(dirTarget(dir)), Vacant("", dirTarget(dir)), Vacant(dir, dirTarget(dir))} {
		wantError(t, err, "out exists: choose another name or add --force")
		if !mapreduce.IsPermanent(err) {
			t.Error("another attempt would do no better")
		}
	}
	must(t, Check(forcedDir(dir)))
	must(t, Vacant("", forcedDir(dir)))
}
