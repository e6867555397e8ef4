package output

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// leftover is what a killed process leaves: the lock goes with it.
func leftover(t *testing.T, dir string) (path string) {
	t.Helper()
	p, err := NewParts(PartsConfig{Target: dirTarget(dir)})
	must(t, err)
	fillParts(t, p, "half")
	must(t, p.end())
	must(t, p.syncs.Wait())
	must(t, p.success.Close())
	must(t, p.dir.Close())
	must(t, p.parent.Close())
	return filepath.Join(dir, p.hidden)
}

func TestLeftoversAreSweptByTheNext(t *testing.T) {
	dir := t.TempDir()
	target := dirTarget(dir)
	made := make([]string, 3)
	for i := range made {
		made[i] = leftover(t, t.TempDir())
	}
	for _, from := range made {
		must(t, os.Rename(from, filepath.Join(dir, filepath.Base(from))))
	}
	p, err := NewParts(PartsConfig{Target: target})
	must(t, err)
	wantNames(t, dir, p.hidden)
	fillParts(t, p, "a")
	must(t, p.Publish())
	wantParts(t, dir, "a")
}

// What somebody writes, what has no lock in it, what holds anything else and what only looks alike stays.
func TestOnlyLeftoversAreSwept(t *testing.T) {
	dir := t.TempDir()
	live := beginDir(t, dirTarget(dir), "a", "b")
	held := leftover(t, dir)
	must(t, os.WriteFile(filepath.Join(held, "notes.txt"), nil, 0o644))
	unlocked := leftover(t, dir)
	must(t, os.WriteFile(filepath.Join(unlocked, "x"), nil, 0o644)) // keeps it until the next line
	must(t, os.Remove(filepath.Join(unlocked, successName)))
	must(t, os.Remove(filepath.Join(unlocked, "x")))
	gone := leftover(t, dir)
	linked := filepath.Join(dir, hiddenPrefix("out")+"00000000000000ff")
	must(t, os.Symlink(gone, linked))
	const digits = "0123456789abcdef"
	for _, alike := range []string{
		".out.jetreduce-", ".out.jetreduce-" + digits + "-replaced", ".other.jetreduce-" + digits, "out.jetreduce-" + digits,
	} {
		must(t, os.Mkdir(filepath.Join(dir, alike), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, alike, successName), nil, 0o644))
	}
	must(t, os.WriteFile(filepath.Join(dir, ".out.jetreduce-0123456789abcdef"), nil, 0o644)) // the file of a draft
	before, err := os.ReadDir(dir)
	must(t, err)
	must(t, beginDir(t, dirTarget(dir)).Discard())
	after, err := os.ReadDir(dir)
	must(t, err)
	if _, err := os.Stat(gone); len(after) != len(before)-1 || !os.IsNotExist(err) {
		t.Errorf("%v of %v", after, before)
	}
	for _, path := range []string{held, unlocked, linked} {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
	must(t, live.Publish())
	wantFile(t, filepath.Join(dir, "out", "part-00001"), "b\t1\n")
}

// A writer whose directory was taken for a leftover, because locks do not work there, publishes nothing of what is left.
func TestWriterThatWasSweptPublishesNothing(t *testing.T) {
	dir := t.TempDir()
	p := beginDir(t, dirTarget(dir), "a", "b")
	must(t, p.Flush())
	unlocked, err := p.dir.Open(successName)
	must(t, err)
	must(t, p.success.Close())
	p.success = unlocked
	must(t, beginDir(t, dirTarget(dir)).Discard())
	if err := p.Publish(); err == nil {
		t.Error("published what was swept")
	}
	must(t, p.Discard())
	wantNames(t, dir)
}

// Whenever a process is killed, each directory that is seen is whole, and the next job for the same target tidies up.
func TestKilledProcessLeavesWholeDirectoriesOrNone(t *testing.T) {
	const inChild = "JETREDUCE_TEST_PARTS_IN"
	if dir := os.Getenv(inChild); dir != "" {
		publishForEver(t, dir)
	}
	for lines := 1; lines < 60; lines += 7 {
		dir := t.TempDir()
		child := exec.Command(os.Args[0], "-test.run=^TestKilledProcessLeavesWholeDirectoriesOrNone$")
		child.Env = append(os.Environ(), inChild+"="+dir)
		progress, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		reader := bufio.NewReader(progress)
		for range lines {
			if line, err := reader.ReadString('\n'); err != nil || !strings.HasPrefix(line, "step") {
				t.Fatalf("%q, %v", line, err)
			}
		}
		must(t, child.Process.Kill())
		_, _ = io.Copy(io.Discard, reader)
		_ = child.Wait() // killed
		wantWholeOrHidden(t, dir, lines/8)
	}
}

// publishForEver publishes directories, new ones and by force over the one before, and tells of each step.
func publishForEver(t *testing.T, dir string) {
	for n := 0; ; n++ {
		p, err := NewParts(PartsConfig{Target: mapreduce.Target{To: URL(fmt.Sprintf("%s/out%d", dir, n/2)) + "/", Force: true}})
		must(t, err)
		for part := range 5 {
			must(t, p.Next())
			must(t, p.Row([]byte("row"), fmt.Append(nil, part, n)))
			fmt.Println("step")
		}
		must(t, p.Flush())
		fmt.Println("step")
		must(t, p.Publish())
		fmt.Println("step")
	}
}

func wantWholeOrHidden(t *testing.T, dir string, least int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	whole := 0
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if name, hidden := strings.CutPrefix(entry.Name(), "."); hidden {
			name, _, found := strings.Cut(name, ".jetreduce-")
			if !found {
				t.Errorf("left behind: %s", path)
			}
			must(t, beginDir(t, mapreduce.Target{To: URL(filepath.Join(dir, name)) + "/", Force: true}).Discard())
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("not swept: %s", path)
			}
			continue
		}
		wantWhole(t, path)
		whole++
	}
	if whole < least/2 {
		t.Errorf("%d directories, want %d at least", whole, least/2)
	}
}

// wantWhole checks a directory against its own list.
func wantWhole(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path, successName))
	must(t, err)
	p := &Parts{text: text}
	must(t, json.Unmarshal(text, &p.listed))
	root, err := os.OpenRoot(path)
	must(t, err)
	defer root.Close()
	if same, err := p.holds(root); !same || err != nil || len(p.listed.Parts) != 5 || p.listed.digest() != p.listed.Digest {
		t.Errorf("%s is not what %s says: %v", path, text, err)
	}
}
