package input

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
)

// jail is a root with files, beside files that are not in it.
type jail struct{ root, outside string }

func newJail(t *testing.T) jail {
	t.Helper()
	dir := t.TempDir()
	j := jail{filepath.Join(dir, "data"), filepath.Join(dir, "secret")}
	write(t, filepath.Join(j.root, "a"), "a\n")
	write(t, filepath.Join(j.root, "sub", "b"), "b\n")
	write(t, filepath.Join(j.outside, "key"), "key\n")
	return j
}

func (j jail) link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(j.root, name)); err != nil {
		t.Fatal(err)
	}
}

func (j jail) reach() Reach { return Reach{Root: j.root} }

func names(t *testing.T, reach Reach, inputs ...string) []string {
	t.Helper()
	sources, err := List(t.Context(), inputs, reach)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, source := range sources {
		names = append(names, source.Name)
	}
	return names
}

func TestRootIsReadByAnyOfItsNames(t *testing.T) {
	j := newJail(t)
	j.link(t, filepath.Join(j.root, "sub", "b"), "absolute")
	j.link(t, "sub/../a", "relative")
	j.link(t, "sub", "dir")
	path := func(name string) string { return filepath.Join(j.root, name) }
	for input, want := range map[string][]string{
		path("a"):                        {path("a")},
		"file://" + path("a"):            {path("a")},
		"a":                              {j.root + "/a"},
		"sub/b":                          {j.root + "/sub/b"},
		"*":                              {path("a"), path("sub/b")},
		path("*"):                        {path("a"), path("sub/b")},
		j.root:                           {path("a"), path("sub/b")},
		path("absolute"):                 {path("absolute")},
		path("relative"):                 {path("relative")},
		path("dir"):                      {path("dir/b")},
		path("dir") + "/../sub/../a":     {path("dir") + "/../sub/../a"},
		"/" + path("dir") + "//./b":      {"/" + path("dir") + "//./b"},
		"file://" + path("su[b]") + "/b": {path("sub/b")},
	} {
		if diff := cmp.Diff(want, names(t, j.reach(), input)); diff != "" {
			t.Errorf("%s: %s", input, diff)
		}
	}
	alias := j.root + ".alias"
	if err := os.Symlink(j.root, alias); err != nil {
		t.Fatal(err)
	}
	j.link(t, path("a"), "by-real-name")
	for _, input := range []string{alias + "/a", path("a"), alias + "/by-real-name"} {
		if got := names(t, Reach{Root: alias}, input); !slices.Equal(got, []string{input}) {
			t.Errorf("%s: %q", input, got)
		}
	}
}

func TestNoNameLeadsOutOfTheRoot(t *testing.T) {
	j := newJail(t)
	j.link(t, j.outside, "abs")
	j.link(t, "../secret", "rel")
	j.link(t, "abs/key", "chain")
	j.link(t, "sub/../../secret/key", "climb")
	path := func(name string) string { return filepath.Join(j.root, name) }
	list, err := WriteList(filepath.Join(j.outside, "list"), []string{path("a")})
	if err != nil {
		t.Fatal(err)
	}
	for _, input := range []string{
		"/etc/passwd", "file:///etc/passwd", "/etc/*", "/", j.outside, j.root + "-more", filepath.Dir(j.root),
		"../secret/key", j.root + "/../secret/key", j.root + "/sub/../../secret/key", j.root + "/../*/key", j.root + "/../data/a",
		path("abs"), path("rel"), path("chain"), path("climb"), path("abs/key"), path("rel/key"), path("abs/*"), path("*/key"),
		j.root, list,
	} {
		_, err := tryPlan(t, PlanConfig{Reach: j.reach()}, input)
		wantError(t, err, "outside of this worker's --root "+j.root)
		if !errors.Is(err, mapreduce.ErrAbsent) {
			t.Errorf("%s: %v does not wrap ErrAbsent", input, err)
		}
	}
	_, err = tryPlan(t, PlanConfig{Reach: j.reach()}, "/etc/passwd")
	if want := "input /etc/passwd: outside of this worker's --root " + j.root; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

// What was listed inside leads outside when it is read: by a link in its own place, in that of its directory, or of its
// target.
func TestLinkSwappedInAfterListingIsNotFollowedOut(t *testing.T) {
	for _, swap := range []string{"sub", "sub/b"} {
		t.Run(swap, func(t *testing.T) {
			j := newJail(t)
			write(t, filepath.Join(j.outside, "b"), "b\n")
			split := plan(t, PlanConfig{Reach: j.reach()}, "sub/b").splits(t)[0]
			path := filepath.Join(j.root, swap)
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			j.link(t, filepath.Join(j.outside, strings.TrimPrefix(swap, "sub")), swap)
			lines, err := readAll(t, Open(split, ReadConfig{Reach: j.reach()}))
			wantError(t, err, "outside of this worker's --root")
			if len(lines) > 0 {
				t.Errorf("read %v", lines)
			}
		})
	}
}

// Between the resolution and the opening, a directory becomes a link: os.Root holds.
func TestLinkSwappedInBehindTheResolutionIsNotFollowedOut(t *testing.T) {
	j := newJail(t)
	write(t, filepath.Join(j.outside, "b"), "stolen\n")
	d, err := openDisk(j.root)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.close() }()
	inside, err := d.resolve(filepath.Join(j.root, "sub", "b"), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(j.root, "sub")); err != nil {
		t.Fatal(err)
	}
	j.link(t, j.outside, "sub")
	if file, err := d.openResolved(inside); err == nil {
		t.Error("opened", file.Name(), file.Close())
	}
}

func TestLinksUnderTheRootEndLikeEverywhere(t *testing.T) {
	j := newJail(t)
	j.link(t, "loop", "loop")
	_, err := tryPlan(t, PlanConfig{Reach: j.reach()}, "loop")
	wantError(t, err, syscall.ELOOP.Error())
	_, err = tryPlan(t, PlanConfig{Reach: j.reach()}, "a/")
	wantError(t, err, syscall.ENOTDIR.Error())
	_, err = tryPlan(t, PlanConfig{Reach: j.reach()}, "a/../sub/b")
	wantError(t, err, syscall.ENOTDIR.Error())
	_, err = tryPlan(t, PlanConfig{Reach: Reach{Root: j.root + "-none"}}, "a")
	if err == nil || mapreduce.IsPermanent(err) {
		t.Errorf("a root that is not there: %v", err)
	}
}

func TestRootedFileThatChangesIsSeen(t *testing.T) {
	j := newJail(t)
	path := filepath.Join(j.root, "a")
	split := plan(t, PlanConfig{Reach: j.reach()}, "a").splits(t)[0]
	if err := replaceBy(path, "A\n"); err != nil {
		t.Fatal(err)
	}
	_, err := readAll(t, Open(split, ReadConfig{Reach: j.reach()}))
	wantChanged(t, err, path, "was replaced")
}

func replaceBy(path, data string) error {
	return errors.Join(os.WriteFile(path+".new", []byte(data), 0o644), os.Rename(path+".new", path))
}

func TestInputThatIsNotHereMayBeElsewhere(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a"), "a\n")
	for _, input := range []string{dir + "/none", dir + "/a/b", dir + "/*.none"} {
		_, err := tryPlan(t, PlanConfig{}, input)
		wantError(t, err, "input "+input)
		if !errors.Is(err, mapreduce.ErrAbsent) {
			t.Errorf("%v does not wrap ErrAbsent", err)
		}
	}
	split := plan(t, PlanConfig{}, path).splits(t)[0]
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := readAll(t, Open(split, ReadConfig{}))
	wantChanged(t, err, path, "is gone")
	if !errors.Is(err, mapreduce.ErrAbsent) {
		t.Errorf("%v does not wrap ErrAbsent", err)
	}
	for _, input := range []string{"", "ftp://x", dir + "/["} {
		if _, err := tryPlan(t, PlanConfig{}, input); errors.Is(err, mapreduce.ErrAbsent) {
			t.Errorf("%v wraps ErrAbsent: no worker has it", err)
		}
	}
}

// texts is a scheme whose sources are in memory.
type texts struct {
	content map[string]string
	changed error
	open    int
}

func (s *texts) List(_ context.Context, input string) ([]mapreduce.Source, error) {
	text, known := s.content[input]
	if !known {
		return nil, mapreduce.Permanentf("input %s: no such text", input)
	}
	return []mapreduce.Source{{Name: input, Size: int64(len(text)), Identity: "1"}}, nil
}

func (s *texts) Open(_ context.Context, source mapreduce.Source) (mapreduce.Content, error) {
	s.open++
	return mapreduce.Content{
		Read:   strings.NewReader(s.content[source.Name]).ReadAt,
		Verify: func() error { return s.changed },
		Close:  func() error { s.open--; return nil },
	}, nil
}

func TestSourcesOfASchemeAreCutPackedAndReadLikeFiles(t *testing.T) {
	big := strings.Repeat("a line\n", 100)
	s := &texts{content: map[string]string{"text://big": big, "text://1": "one\n", "text://2": "two", "text://0": ""}}
	file := write(t, filepath.Join(t.TempDir(), "f"), "file\n")
	reach := Reach{Schemes: map[string]Scheme{"text": s}}
	m := plan(t, PlanConfig{Reach: reach, SplitSize: 100}, "text://1", file, "text://0", "text://2", "text://big")
	var got, want []line
	for i, split := range m.splits(t) {
		if i == 0 && len(split) != 3 {
			t.Errorf("the first split has %d sources, want the three small ones", len(split))
		}
		lines, err := readAll(t, Open(split, ReadConfig{Reach: reach}))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, lines...)
	}
	for _, source := range [][2]string{{"text://1", "one\n"}, {file, "file\n"}, {"text://2", "two"}, {"text://big", big}} {
		want = append(want, sequential(source[0], source[1])...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.open != 0 || m.summary.Inputs != 5 {
		t.Errorf("%d left open, %d inputs", s.open, m.summary.Inputs)
	}
}

func TestSourceOfASchemeIsVerified(t *testing.T) {
	s := &texts{content: map[string]string{"text://1": "one\n"}}
	reach := Reach{Schemes: map[string]Scheme{"text": s}}
	split := plan(t, PlanConfig{Reach: reach}, "text://1").splits(t)[0]
	s.changed = changed("text://1", "was edited")
	_, err := readAll(t, Open(split, ReadConfig{Reach: reach}))
	wantChanged(t, err, "text://1", "was edited")
	s.changed, s.content["text://1"] = nil, "on"
	_, err = readAll(t, Open(split, ReadConfig{Reach: reach}))
	wantChanged(t, err, "text://1", "ended at byte 2, of 4")
	_, err = tryPlan(t, PlanConfig{Reach: reach}, "other://1")
	wantError(t, err, "other:// cannot be read here")
}

func TestListedSourceIsReadAndVerified(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), "one\ntwo\n")
	sources, err := List(t.Context(), []string{path}, Reach{})
	if err != nil || len(sources) != 1 {
		t.Fatal(sources, err)
	}
	content, err := OpenSource(t.Context(), sources[0], Reach{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	data := make([]byte, 100)
	if n, err := content.Read(data, 4); n != 4 || err != io.EOF || string(data[:n]) != "two\n" {
		t.Errorf("%d %v %q", n, err, data[:n])
	}
	if err := content.Verify(); err != nil {
		t.Error(err)
	}
	if err := os.Truncate(path, 2); err != nil {
		t.Fatal(err)
	}
	_, err = content.Read(data, 0)
	wantChanged(t, err, path, "shrank from 8 to 2")
	wantChanged(t, content.Verify(), path, "shrank from 8 to 2")
}

// sized is a scheme that cuts its inputs itself.
type sized struct {
	*texts
	asked *int64
}

func (s sized) ListSized(ctx context.Context, input string, size int64) ([]mapreduce.Source, error) {
	*s.asked = size
	return s.List(ctx, input)
}

func TestSchemeThatCutsIsToldTheSplitSize(t *testing.T) {
	var asked int64
	s := sized{&texts{content: map[string]string{"text://a": "a\n"}}, &asked}
	reach := Reach{Schemes: map[string]Scheme{"text": s}}
	plan(t, PlanConfig{Reach: reach}, "text://a")
	if asked != 0 {
		t.Errorf("the job names no size, and %d was asked for", asked)
	}
	plan(t, PlanConfig{Reach: reach, SplitSize: 7}, "text://a")
	if asked != 7 {
		t.Errorf("a size of %d was asked for", asked)
	}
}
