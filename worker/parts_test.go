package worker

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// until runs a job's maps and reduces (0: none) over these lines, each a split, and returns its finish task.
func until(t *testing.T, s *surroundings, w *Worker, target mapreduce.Target, program string, reduces int, lines ...string) mapreduce.Task {
	t.Helper()
	phase, tasks := mapreduce.Map, planned(t, s, program, lines...)
	for i := range tasks {
		tasks[i].Reduces, tasks[i].MapOnly, tasks[i].Target = reduces, reduces == 0, &target
	}
	roster := attempted(t, s, w, tasks)
	if reduces > 0 {
		phase, tasks = mapreduce.Reduce, nil
		for n := range reduces {
			tasks = append(tasks, mapreduce.Task{ID: taskID(phase, n), Job: "job", Program: program, Target: &target, Roster: roster})
		}
		roster = attempted(t, s, w, tasks)
	}
	s.calls = nil
	return mapreduce.Task{
		ID: taskID(mapreduce.Finish, 0), Job: "job", Program: program, Target: &target, Roster: roster, MapOnly: reduces == 0,
	}
}

// attempted is the roster of tasks that were done.
func attempted(t *testing.T, s *surroundings, w *Worker, tasks []mapreduce.Task) *mapreduce.RosterRef {
	t.Helper()
	var roster mapreduce.Roster
	for _, task := range tasks {
		w.attempt(t.Context(), delivery(task))
		roster = append(roster, s.commits[task.ID].Attempt)
	}
	if len(s.failures) > 0 {
		t.Fatalf("%+v", s.failures)
	}
	return &mapreduce.RosterRef{Tasks: len(roster), Inline: roster.Encode()}
}

func wantDir(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(want)+1 || entries[0].Name() != "_SUCCESS" {
		t.Errorf("%s holds %v, %v", dir, entries, err)
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != text {
			t.Errorf("%s holds %q, %v, want %q", name, got, err, text)
		}
	}
}

func TestDirectoryHasAFileForEachPartition(t *testing.T) {
	for order, want := range map[string][]string{ // by bytes, and by a collation: each file is in order by itself
		"": {"Zed\t1\na\t2\n", "", "b\t1\né\t1\n", ""}, "original": {"a\t2\nZed\t1\n", "", "b\t1\né\t1\n", ""},
	} {
		s := newSurroundings()
		w := s.worker(t, byFirst())
		dir := filepath.Join(t.TempDir(), "out")
		task := until(t, s, w, mapreduce.Target{To: output.URL(dir) + "/", Order: order}, "first", 4, "b a", "é a Zed")
		w.attempt(t.Context(), delivery(task))
		checkCalls(t, s, "decide u", "commit u.finish.0.1", "complete r0")
		parts := map[string]string{}
		for n, text := range want {
			parts[fmt.Sprintf("part-%05d", n)] = text
		}
		wantDir(t, dir, parts)
		if rows := s.commits[task.ID].Counts.Rows; rows != 4 || s.end.Digest != s.commits[task.ID].Digest || s.end.Digest == 0 {
			t.Errorf("%d rows, end %+v", rows, s.end)
		}
		w.attempt(t.Context(), delivery(task)) // once more is no more
		wantDir(t, dir, parts)
		if len(s.failures) > 0 {
			t.Errorf("%+v", s.failures)
		}
	}
}

// byFirst counts words, whose partition hangs on their first letter.
func byFirst() mapreduce.Program {
	p := program("first", func(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
		for _, word := range strings.Fields(string(batch.Data)) {
			out.Emit([]byte(word), mapreduce.One())
		}
		return nil
	})
	p.Partition = func(key []byte, _ int) int {
		if strings.ContainsAny(string(key[:1]), "aZ") {
			return 0
		}
		return 2
	}
	return p
}

func TestDirectoryOfAJobThatIsMapOnlyHasAFileForEachMap(t *testing.T) {
	for order, want := range map[string]string{"": "b\nc\na\n", "bytes": "a\nb\nc\n"} {
		s := newSurroundings()
		w := s.worker(t, mapreduce.Program{
			Name: "lines", Raw: true, Mapper: func(map[string]string) (mapreduce.Mapper, error) {
				return mapFunc(func(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
					for _, word := range strings.Fields(string(batch.Data)) {
						out.Emit([]byte(word), nil)
					}
					return nil
				}), nil
			},
		})
		dir := filepath.Join(t.TempDir(), "out")
		task := until(t, s, w, mapreduce.Target{To: output.URL(dir) + "/", Order: order, Codec: mapreduce.Gzip}, "lines", 0, "b c a", "", "z y")
		w.attempt(t.Context(), delivery(task))
		if len(s.failures) > 0 {
			t.Fatalf("%+v", s.failures)
		}
		if got := unzip(t, filepath.Join(dir, "part-00000.gz")); got != want {
			t.Errorf("order %q: %q", order, got)
		}
	}
}

func unzip(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDirectoryOfWhatWasLostIsNotPublished(t *testing.T) {
	s := newSurroundings()
	w := s.worker(t)
	dir := t.TempDir()
	task := until(t, s, w, mapreduce.Target{To: output.URL(dir) + "/out/"}, "wordcount", 2, "a b c d")
	for lane := range s.lanes {
		if lane.Reader == mapreduce.Finish {
			s.lanes[lane] = s.lanes[lane][:1]
		}
	}
	w.attempt(t.Context(), delivery(task))
	checkCalls(t, s, "fail u.finish.0.1", "discard r0")
	if failure := s.failures[0]; len(failure.Missing) != 1 {
		t.Errorf("%+v", failure)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// lateRuns shows nothing at the first look.
type lateRuns struct {
	Runs
	looks int
}

func (r *lateRuns) Fetch(ctx context.Context, lane mapreduce.Lane, yield func(chunk []byte) error) error {
	if r.looks++; r.looks == 1 {
		return nil
	}
	return r.Runs.Fetch(ctx, lane, yield)
}

func TestPartsThatAreMissingAreLookedForTwice(t *testing.T) {
	s := newSurroundings()
	w := s.worker(t)
	dir := filepath.Join(t.TempDir(), "out")
	task := until(t, s, w, mapreduce.Target{To: output.URL(dir) + "/"}, "wordcount", 1, "a")
	late := &lateRuns{Runs: s}
	w.Runs = late
	w.attempt(t.Context(), delivery(task))
	wantDir(t, dir, map[string]string{"part-00000": "a\t1\n"})
	for lane := range s.lanes {
		delete(s.lanes, lane)
	}
	late.looks = 0
	w.attempt(t.Context(), delivery(task))
	if late.looks != 2 || len(s.failures) != 1 {
		t.Errorf("%d looks, %+v", late.looks, s.failures)
	}
}

func TestDirectoryOfACancelledJobDoesNotAppear(t *testing.T) {
	s := newSurroundings()
	w := s.worker(t)
	dir := t.TempDir()
	task := until(t, s, w, mapreduce.Target{To: output.URL(dir) + "/out/"}, "wordcount", 2, "a b c d")
	s.end = &mapreduce.End{UID: "u", State: mapreduce.Cancelled}
	w.attempt(t.Context(), delivery(task))
	checkCalls(t, s, "decide u", "commit u.finish.0.1", "complete r0")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPlanRefusesADirectoryThatIsThere(t *testing.T) {
	s := newSurroundings()
	dir := t.TempDir()
	s.worker(t).attempt(t.Context(), delivery(mapreduce.Task{
		ID: taskID(mapreduce.Plan, 0), Inputs: []string{dir}, Target: &mapreduce.Target{To: output.URL(dir) + "/"},
	}))
	if len(s.failures) != 1 || !s.failures[0].Permanent || !strings.Contains(s.failures[0].Reason, "exists: choose another name") {
		t.Errorf("%+v", s.failures)
	}
}
