package programs_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

func builtin(tb testing.TB) programs.Set {
	tb.Helper()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

func TestUnknownProgramNamesItsNeighbours(t *testing.T) {
	const all = "count, distinct, freq, grep, identity, index, join, sort, stats, sum, timeline, top, wordcount"
	for name, want := range map[string]string{
		"wordcout":  `unknown program "wordcout": did you mean wordcount?`,
		"WordCount": `unknown program "WordCount": did you mean wordcount?`,
		"wrodcount": `unknown program "wrodcount": did you mean wordcount?`,
		"word":      `unknown program "word": did you mean wordcount?`,
		"coutn":     `unknown program "coutn": did you mean count?`,
		"counts":    `unknown program "counts": did you mean count?`,
		"identify":  `unknown program "identify": did you mean identity?`,
		"awk":       `unknown program "awk": use one of ` + all,
		"":          `unknown program "": use one of ` + all,
	} {
		if _, err := builtin(t).Find(name); err == nil || err.Error() != want {
			t.Errorf("find %q: got %v, want %s", name, err, want)
		}
	}
	if _, err := (programs.Set{}).Find("x"); err == nil {
		t.Error("an empty set has x")
	}
}

func TestSetFindsEachOfItsPrograms(t *testing.T) {
	set := builtin(t)
	all := set.All()
	sorted := slices.IsSortedFunc(all, func(a, b mapreduce.Program) int { return strings.Compare(a.Name, b.Name) })
	if len(all) != len(programs.Builtin()) || !sorted {
		t.Errorf("%d programs, sorted %v", len(all), sorted)
	}
	for _, program := range all {
		found, err := builtin(t).Find(program.Name)
		if err != nil || found.Name != program.Name || found.Doc == "" || found.Noun == "" {
			t.Errorf("find %s: %+v, %v", program.Name, found, err)
		}
	}
	all[0].Name = "changed"
	if set.All()[0].Name == "changed" {
		t.Error("All gives away the set's own slice")
	}
}

func TestSetRefusesWhatCannotBeFound(t *testing.T) {
	some := programs.Builtin()[0]
	other := some
	other.Name = ""
	for text, list := range map[string][]mapreduce.Program{
		"two programs are named": {some, programs.Builtin()[1], some},
		"has no name":            {other},
		"has no mapper":          {{Name: "x"}},
	} {
		if _, err := programs.NewSet(list...); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %s", err, text)
		}
	}
}

func TestDistanceCountsSlipsOfTheFinger(t *testing.T) {
	for pair, want := range map[[2]string]int{
		{"", ""}: 0, {"", "abc"}: 3, {"abc", "abc"}: 0, {"abc", "acb"}: 1, {"abc", "abd"}: 1, {"abc", "abcd"}: 1,
		{"wordcount", "wrodcout"}: 2, {"kitten", "sitting"}: 3, {"ca", "abc"}: 3,
	} {
		if got := programs.Distance([]rune(pair[0]), []rune(pair[1])); got != want {
			t.Errorf("%q: got %d, want %d", pair, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := []rune(rapid.String().Draw(t, "a")), []rune(rapid.String().Draw(t, "b"))
		d := programs.Distance(a, b)
		if d != programs.Distance(b, a) || d > max(len(a), len(b)) || (d == 0) != slices.Equal(a, b) {
			t.Fatalf("distance %d", d)
		}
	})
}

// Who submits a job by hand need not know which programs have a reduce.
func TestJobIsCompletedByItsProgram(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	for _, test := range []struct {
		job     mapreduce.Job
		mapOnly bool
		words   string
	}{
		{mapreduce.Job{Program: "grep", Args: map[string]string{"literal": "x"}}, true, ""}, {mapreduce.Job{Program: "wordcount"}, false, ""},
		{mapreduce.Job{Program: "wordcount", MapOnly: true}, true, ""},
		{mapreduce.Job{Program: "grep", Reduces: 2}, false, `leave "reduces" out`},
		{mapreduce.Job{Program: "wordcuont"}, false, "did you mean wordcount?"},
		{mapreduce.Job{Program: "grep", Args: map[string]string{"pattern": "("}}, false, "program grep: "},
		{mapreduce.Job{Program: "wordcount", Args: map[string]string{"x": "1"}}, false, "program wordcount: "},
		{mapreduce.Job{Program: "theirs", Class: "go-1"}, false, ""}, {mapreduce.Job{Commands: mapreduce.Commands{Map: "cat"}}, false, ""},
	} {
		got, err := set.Complete(test.job)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if (err == nil) != (test.words == "") || !strings.Contains(said, test.words) || err == nil && got.MapOnly != test.mapOnly {
			t.Errorf("%+v: map only: %t, %v", test.job, got.MapOnly, err)
		}
	}
}
