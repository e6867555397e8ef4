package output

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestCheckLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	must(t, Check(target(dir)))
	must(t, check(target(dir), cannot))
	wantNames(t, dir)
}

func TestCheckRefusesWhatExists(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "out.csv"), []byte("old"), 0o644))
	err := Check(target(dir))
	wantError(t, err, "out.csv exists: choose another name or add --force")
	if !mapreduce.IsPermanent(err) {
		t.Error("another attempt would do no better")
	}
	must(t, Check(forced(dir)))
	want(t, dir, "old")
}

func TestCheckSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	must(t, os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "dangling")))
	for to, text := range map[string]string{
		"":                                    `scheme "" is not known here`,
		"out.csv":                             `scheme "" is not known here`,
		"object://bucket/name":                `scheme "object" is not known here`,
		"file:out.csv":                        "use file:///path",
		"file://out.csv":                      `host "out.csv"`,
		"file:///x?y":                         "? as %3F",
		"file:///x#y":                         "# as %23",
		"file:///%zz":                         "invalid URL escape",
		URL(dir):                              "is a directory: name a file in it",
		URL(dir) + "%2F":                      "is a directory: name a file in it",
		"file:///":                            "name a file or a directory that is to be made",
		URL(dir + "/missing/out.csv"):         "mkdir -p " + dir + "/missing",
		URL(dir + "/file/out.csv"):            dir + "/file is no directory",
		URL(dir + "/file/x/out.csv"):          "is no directory",
		URL(dir + "/dangling"):                "is a symbolic link to nothing",
		URL(dir + strings.Repeat("/x", 5000)): "too long",
		URL(dir + "/" + strings.Repeat("x", 256)): "choose a shorter name: file name too long",
		URL(os.DevNull):       "only a regular file can be replaced",
		URL(dir + "/nul\x00"): "invalid argument",
	} {
		for _, force := range []bool{false, true} {
			wantError(t, Check(mapreduce.Target{To: to, Force: force}), text)
		}
	}
	wantError(t, Check(mapreduce.Target{To: target(dir).To, Format: "xml"}), "use tsv, csv or ndjson")
	wantError(t, Check(mapreduce.Target{To: target(dir).To, Order: "bites"}), "use bytes, original")
}

// Another process may make the same file at any moment.
func TestFileThatAppearsMeanwhileIsNoLink(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	var others sync.WaitGroup
	ended := make(chan struct{})
	others.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
				_ = errors.Join(os.WriteFile(path, nil, 0o600), os.Remove(path))
			}
		}
	})
	defer others.Wait()
	defer close(ended)
	for range 20_000 {
		if _, _, err := place(target(dir)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMissingDirectoryIsThatError(t *testing.T) {
	err := Check(target(filepath.Join(t.TempDir(), "missing")))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestCheckTriesTheDirectory(t *testing.T) {
	dir := "/proc/self/fd" // takes no files, not even root's
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no directory that takes no files: %v", err)
	}
	wantError(t, Check(target(dir)), dir+" takes no files")
}

func TestCheckTriesPermissions(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o555))
	if os.Geteuid() == 0 {
		t.Skip("permissions do not bind root")
	}
	wantError(t, Check(target(dir)), "permission denied")
}

func TestURLKeepsAnyPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[ %?#:;&+~é"\\a-z\n]{1,8}`).Draw(t, "name")
		path := filepath.Join("/", "dir", name)
		got, err := Path(mapreduce.Target{To: URL(path)})
		if err != nil || got != path {
			t.Fatalf("%q comes back as %q: %v", path, got, err)
		}
	})
	if got := URL("/data/out.csv"); got != "file:///data/out.csv" {
		t.Errorf("got %s", got)
	}
}
