package input

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
)

// tree makes files that hold their own names, and links (written `name -> target`), and goes to their directory.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		name, target, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(dir, name)
		switch {
		case isLink:
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
		case strings.HasSuffix(name, "/"):
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
		default:
			write(t, path, name+"\n")
		}
	}
	t.Chdir(dir)
	return dir
}

func TestInputsNameFiles(t *testing.T) {
	tests := []struct {
		claim  string
		tree   []string
		inputs []string
		want   []string
	}{
		{"a plain path", []string{"a", "b"}, []string{"b"}, []string{"b"}},
		{"in the order given", []string{"a", "b"}, []string{"b", "a"}, []string{"b", "a"}},
		{"twice is read twice", []string{"a"}, []string{"a", "a"}, []string{"a", "a"}},
		{"a glob", []string{"b.log", "a.log", "c.txt"}, []string{"*.log"}, []string{"a.log", "b.log"}},
		{"a glob of directories", []string{"x/a", "y/a", "y/b", "z"}, []string{"?/a"}, []string{"x/a", "y/a"}},
		{"a glob that matches directories", []string{"x1/a", "x2/b"}, []string{"x*"}, []string{"x1/a", "x2/b"}},
		{"a glob with a slash behind", []string{"x1/a", "x2"}, []string{"x*/"}, []string{"x1/a"}},
		{"a glob upwards", []string{"x/", "b1", "b2"}, []string{"x/../b*"}, []string{"x/../b1", "x/../b2"}},
		{"an escaped glob", []string{"a*", "ab"}, []string{`a\*`}, []string{"a*"}},
		{"a literal name wins over a glob", []string{"[ab]", "a", "b"}, []string{"[ab]"}, []string{"[ab]"}},
		{"a directory", []string{"d/b", "d/a", "d/sub/c", "e"}, []string{"d"}, []string{"d/a", "d/b", "d/sub/c"}},
		{"a directory with a slash behind", []string{"d/a", "d/l -> ../d"}, []string{"d/"}, []string{"d/a"}},
		{"this directory", []string{"d/a", "b"}, []string{"."}, []string{"b", "d/a"}},
		{"bytes order of the whole path", []string{"d/a/x", "d/a.b", "d/a-b"}, []string{"d"}, []string{"d/a-b", "d/a.b", "d/a/x"}},
		{"hidden files", []string{"d/.a"}, []string{"d"}, []string{"d/.a"}},
		{"an empty directory", []string{"d/"}, []string{"d"}, nil},
		{"a link to a file", []string{"a", "l -> a"}, []string{"l"}, []string{"l"}},
		{"a link to a file elsewhere", []string{"a", "d/", "d/l -> ../a"}, []string{"d"}, []string{"d/l"}},
		{"a link to a directory", []string{"e/a", "d/", "d/l -> ../e"}, []string{"d"}, []string{"d/l/a"}},
		{"a link as a directory", []string{"e/a", "l -> e"}, []string{"l"}, []string{"l/a"}},
		{"a link to what is listed anyway", []string{"d/app.log", "d/latest -> app.log"}, []string{"d"}, []string{"d/app.log"}},
		{"a link that comes before it", []string{"d/app.log", "d/a -> app.log"}, []string{"d"}, []string{"d/app.log"}},
		{"a link to a directory that comes before it", []string{"d/x/a", "d/l -> x"}, []string{"d"}, []string{"d/x/a"}},
		{"a link in a glob to what matches too", []string{"app.log", "a.log -> app.log"}, []string{"*.log"}, []string{"app.log"}},
		{"a loop", []string{"d/a", "d/l -> ."}, []string{"d"}, []string{"d/a"}},
		{"a loop far up", []string{"d/e/a", "d/e/l -> ../.."}, []string{"d"}, []string{"d/e/a"}},
		{"a loop over two directories", []string{"x/a", "y/b", "x/l -> ../y", "y/m -> ../x"}, []string{"x"}, []string{"x/a", "x/l/b"}},
		{"a loop through its root, a link", []string{"d/a", "d/l -> ../k", "k -> d"}, []string{"k"}, []string{"k/a"}},
		{"a file and its directory", []string{"d/a"}, []string{"d", "d/a"}, []string{"d/a", "d/a"}},
		{"a name with a colon", []string{"a:b"}, []string{"a:b"}, []string{"a:b"}},
	}
	for _, test := range tests {
		t.Run(test.claim, func(t *testing.T) {
			tree(t, test.tree...)
			bubble(t, func(t *testing.T) {
				m := plan(t, PlanConfig{}, test.inputs...)
				if diff := cmp.Diff(test.want, m.paths()); diff != "" {
					t.Errorf("want -, listed +\n%s", diff)
				}
				for _, split := range m.splits(t) {
					if _, err := readAll(t, Open(split, ReadConfig{})); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestHardLinksAreFilesOfTheirOwn(t *testing.T) {
	dir := tree(t, "d/a")
	if err := os.Link(filepath.Join(dir, "d/a"), filepath.Join(dir, "d/b")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"d/a", "d/b"}, plan(t, PlanConfig{}, "d").paths()); diff != "" {
		t.Error(diff)
	}
}

func TestFileURLsNamePaths(t *testing.T) {
	dir := tree(t, "a b", "a?c", "a1c")
	tests := []struct {
		input string
		want  []string
	}{
		{"file://" + dir + "/a%20b", []string{dir + "/a b"}},
		{"file://localhost" + dir + "/a%20b", []string{dir + "/a b"}},
		{"file://" + dir + "/a?c", []string{dir + "/a?c"}}, // the literal name wins
		{"file://" + dir + "/?1?", []string{dir + "/a1c"}},
		{"file://" + dir, []string{dir + "/a b", dir + "/a1c", dir + "/a?c"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, plan(t, PlanConfig{}, test.input).paths()); diff != "" {
			t.Errorf("%s: want -, listed +\n%s", test.input, diff)
		}
	}
}

func TestNamesThatAreNoTextSurviveThePlan(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "caf\xe9 %")
	if err := os.WriteFile(path, []byte("x\n"), 0o644); err != nil {
		t.Skipf("this file system takes text only: %v", err)
	}
	m := plan(t, PlanConfig{}, dir)
	lines, err := readAll(t, Open(m.splits(t)[0], ReadConfig{}))
	want := []line{{"file://" + dir + "/caf%E9%20%25", 0, "x\n"}}
	if diff := cmp.Diff(want, lines); diff != "" || err != nil {
		t.Errorf("read %v\n%s", err, diff)
	}
}

func TestBadInputsAreRefusedByName(t *testing.T) {
	dir := tree(t, "a", "d/", "d/dangling -> nowhere", "e/", "e/l -> l", "p/", "s/")
	for _, path := range []string{"pipe", "p/pipe"} {
		if err := syscall.Mkfifo(filepath.Join(dir, path), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	socket, err := net.Listen("unix", "s/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	tests := []struct {
		input string
		want  []string
	}{
		{"missing", []string{"input missing: no such file or directory"}},
		{"a/below", []string{"input a/below: not a directory"}},
		{"a/*/below", []string{"input a/*/below: nothing matches"}},
		{"*.log", []string{"input *.log: nothing matches"}},
		{"[a", []string{"input [a: syntax error in pattern"}},
		{"d*/[", []string{"input d*/[: syntax error in pattern"}},
		{"", []string{`input "": an empty name`}},
		{"a\x00b", []string{"invalid argument"}},
		{"pipe", []string{"input pipe: is a named pipe"}},
		{"p", []string{"input p/pipe: is a named pipe"}},
		{"s", []string{"input s/socket: is a socket"}},
		{"/dev/null", []string{"input /dev/null: is a device"}},
		{"d", []string{"input d/dangling: ", "no such file"}},
		{"e", []string{"input e/l: ", "too many"}},
		{"s3://bucket/key", []string{"s3://", "input s3://bucket/key: ", "file:///path"}},
		{"file://host/path", []string{"input file://host/path: "}},
		{"file:///%zz", []string{"input file:///%zz: "}},
	}
	for _, test := range tests {
		t.Run(test.input, func(t *testing.T) {
			_, err := tryPlan(t, PlanConfig{}, "a", test.input)
			wantError(t, err, test.want...)
		})
	}
}

func TestMissingFilesCanBeToldFromOthers(t *testing.T) {
	_, err := tryPlan(t, PlanConfig{}, filepath.Join(t.TempDir(), "missing"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not wrap fs.ErrNotExist", err)
	}
}

func TestUnreadableIsRefusedByName(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := tree(t, "secret", "d/", "g/x/a")
	for _, name := range []string{"secret", "d", "g/x"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Chmod(filepath.Join(dir, name), 0o755) }()
	}
	for input, named := range map[string]string{"secret": "secret", "d": "d", ".": "", "g/*/a*": "g/*/a*"} {
		_, err := tryPlan(t, PlanConfig{}, input)
		wantError(t, err, "input "+named, "permission denied")
	}
}

func TestFileThatHidesItsSizeIsRefused(t *testing.T) {
	const endless = "/proc/self/status"
	if _, err := os.Stat(endless); err != nil {
		t.Skip("no /proc here")
	}
	_, err := tryPlan(t, PlanConfig{}, endless)
	wantError(t, err, "input "+endless, "does not tell its size")
}

func TestShortageIsNotPermanent(t *testing.T) {
	err := refuse("a", &fs.PathError{Op: "open", Path: "a", Err: syscall.EMFILE})
	if mapreduce.IsPermanent(err) || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("%v: permanent, or not the cause", err)
	}
}

func TestCancelledPlanEnds(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), strings.Repeat("line\n", 5000))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stored := func(mapreduce.PlanChunk) error { t.Error("stored a chunk"); return nil }
	if _, err := Plan(ctx, []string{path}, PlanConfig{Store: stored}); !errors.Is(err, context.Canceled) {
		t.Errorf("before it began: %v", err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	chunks := 0
	_, err := Plan(ctx, []string{path}, PlanConfig{SplitSize: 1, Store: func(mapreduce.PlanChunk) error {
		chunks++
		cancel()
		return nil
	}})
	if !errors.Is(err, context.Canceled) || mapreduce.IsPermanent(err) || chunks > 1 {
		t.Errorf("after the first chunk: %v, %d chunks", err, chunks)
	}
}
