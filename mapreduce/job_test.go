package mapreduce_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
)

// The fields of a submitted job are an interface: renaming one would turn away every script that submits jobs.
func TestJobReadsTheJSONThatUsersWrite(t *testing.T) {
	const text = `{"id":"words-1","program":"wordcount","args":{"k":"v"},"inputs":["/data/hamlet.txt"],"reduces":2,` +
		`"split_size":16777216,"output":{"to":"file:///data/out.csv","format":"csv","order":"pt-u-ka-shifted-ks-level4"}}`
	want := mapreduce.Job{
		ID: "words-1", Program: "wordcount", Args: map[string]string{"k": "v"}, Inputs: []string{"/data/hamlet.txt"},
		Reduces: 2, SplitSize: 16 << 20,
		Output: mapreduce.Target{To: "file:///data/out.csv", Format: "csv", Order: "pt-u-ka-shifted-ks-level4"},
	}
	var got mapreduce.Job
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
	back, err := json.Marshal(got)
	if err != nil || string(back) != text {
		t.Errorf("written %s, error %v\nwant    %s", back, err, text)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

func TestStatusHasTheFieldsThatUsersRead(t *testing.T) {
	text, err := json.Marshal(mapreduce.Status{ID: "a", State: mapreduce.Mapping, Error: "e"})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"id", "state", "maps.total", "maps.done", "reduces.total", "reduces.done", "attempts.map", "attempts.reduce",
		"attempts.failed", "attempts.lost", "attempts.speculative", "epoch", "error", "output",
	} {
		at := any(fields)
		for name := range strings.SplitSeq(path, ".") {
			within, _ := at.(map[string]any)
			at = within[name]
		}
		if at == nil {
			t.Errorf("no %s in %s", path, text)
		}
	}
}

func TestJobThatCanNeverRunIsRefused(t *testing.T) {
	good := mapreduce.Job{ID: "a", Program: "p", Inputs: []string{"/in"}}
	for name, test := range map[string]struct {
		change func(*mapreduce.Job)
		says   string // "": it is fine
	}{
		"good":              {func(*mapreduce.Job) {}, ""},
		"no id":             {func(j *mapreduce.Job) { j.ID = "" }, ""},
		"most reduces":      {func(j *mapreduce.Job) { j.Reduces = mapreduce.MaxPartitions }, ""},
		"split size 1":      {func(j *mapreduce.Job) { j.SplitSize = 1 }, ""},
		"bad id":            {func(j *mapreduce.Job) { j.ID = "a.b" }, `job id "a.b"`},
		"long id":           {func(j *mapreduce.Job) { j.ID = mapreduce.JobID(strings.Repeat("a", 65)) }, "1 to 64"},
		"no program":        {func(j *mapreduce.Job) { j.Program = "" }, "no program"},
		"no input":          {func(j *mapreduce.Job) { j.Inputs = nil }, "no input"},
		"too many reduces":  {func(j *mapreduce.Job) { j.Reduces = mapreduce.MaxPartitions + 1 }, "4097 reduces"},
		"reduces below 0":   {func(j *mapreduce.Job) { j.Reduces = -1 }, "-1 reduces"},
		"split size below":  {func(j *mapreduce.Job) { j.SplitSize = -1 }, "split size -1"},
		"too large to send": {func(j *mapreduce.Job) { j.Inputs = []string{strings.Repeat("x", 128<<10)} }, "quote a glob"},
		"escaped too large": {func(j *mapreduce.Job) { j.Inputs = []string{strings.Repeat("\x01", 30<<10)} }, "quote a glob"},
	} {
		t.Run(name, func(t *testing.T) {
			job := good
			test.change(&job)
			err := job.Validate()
			if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("error %v, want one that says %q", err, test.says)
			}
		})
	}
}

func TestJobIsTheSameOnlyWithTheSameWork(t *testing.T) {
	job := func() mapreduce.Job {
		return mapreduce.Job{
			ID: "a", Program: "p", Args: map[string]string{"k": "v"}, Inputs: []string{"x", "y"},
			Output: mapreduce.Target{To: "file:///o"},
		}
	}
	if !job().Same(job()) {
		t.Error("a job is not the same as its copy")
	}
	for name, change := range map[string]func(*mapreduce.Job){
		"program": func(j *mapreduce.Job) { j.Program = "q" },
		"args":    func(j *mapreduce.Job) { j.Args["k"] = "w" },
		"inputs":  func(j *mapreduce.Job) { j.Inputs = []string{"y", "x"} },
		"reduces": func(j *mapreduce.Job) { j.Reduces = 2 },
		"splits":  func(j *mapreduce.Job) { j.SplitSize = 2 },
		"order":   func(j *mapreduce.Job) { j.Output.Order = "original" },
		"force":   func(j *mapreduce.Job) { j.Output.Force = true },
	} {
		other := job()
		if change(&other); job().Same(other) {
			t.Errorf("another %s makes no difference", name)
		}
	}
}

func TestOnlyTheLastThreeStatesAreFinal(t *testing.T) {
	for state, final := range map[mapreduce.State]bool{
		mapreduce.Queued: false, mapreduce.Planning: false, mapreduce.Mapping: false, mapreduce.Reducing: false, mapreduce.Finishing: false,
		mapreduce.Done: true, mapreduce.Failed: true, mapreduce.Cancelled: true,
	} {
		if state.Final() != final {
			t.Errorf("state %s: final is %t", state, !final)
		}
	}
}

// A client that submits again carries its files again.
func TestSameFilesCarriedAgainMakeTheSameJob(t *testing.T) {
	job := func(input string) mapreduce.Job {
		return mapreduce.Job{ID: "j", Program: "p", Inputs: []string{input, "/x"}}
	}
	if !job("bus://one/0-1#00000000000000aa").Same(job("bus://two/0-1#00000000000000aa")) {
		t.Error("another upload of the same files is another job")
	}
	if job("bus://one#00000000000000aa").Same(job("bus://one#00000000000000ab")) || job("bus://one").Same(job("bus://two")) {
		t.Error("other files are the same job")
	}
	if uploads := job("bus://one#00000000000000aa").Uploads(); len(uploads) != 1 || uploads[0] != "one" {
		t.Errorf("uploads %v", uploads)
	}
}
