package mapreduce

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// running is a job that runs commands.
func running(c Commands) Job { return Job{Commands: c, Inputs: []string{"/in"}} }

func TestCommandsThatCannotRunAreRefused(t *testing.T) {
	sorted := Commands{Map: "cat", Reduce: "cat"}
	change := func(c Commands, change func(*Commands)) Job {
		change(&c)
		return running(c)
	}
	for want, job := range map[string]Job{
		"none of them is its map":       running(Commands{Reduce: "cat"}),
		"names a program":               {Program: "count", Commands: Commands{Map: "cat"}, Inputs: []string{"/in"}},
		"names no program":              {Inputs: []string{"/in"}},
		"a combine without a reduce":    running(Commands{Map: "cat", Combine: "cat"}),
		"a sort without a reduce":       running(Commands{Map: "cat", Sort: "1,1"}),
		"a NUL in it":                   running(Commands{Map: "cat\x00"}),
		"more than 32768 bytes":         running(Commands{Map: strings.Repeat("x", maxCommand+1)}),
		"use one byte":                  change(sorted, func(c *Commands) { c.Separator = "::" }),
		"and no LF":                     change(sorted, func(c *Commands) { c.Separator = "\n" }),
		"65 key fields":                 change(sorted, func(c *Commands) { c.KeyFields = 65 }),
		"2 key fields, 3 for the":       change(sorted, func(c *Commands) { c.KeyFields, c.PartitionFields = 2, 3 }),
		"silence of -1 s":               change(sorted, func(c *Commands) { c.Silence = -1 }),
		`"0" is no FROM`:                change(sorted, func(c *Commands) { c.Sort = "0" }),
		`"2,1n" is no FROM`:             change(sorted, func(c *Commands) { c.Sort = "1,1 2,2n 2,1n" }),
		`"x" is no FROM`:                change(sorted, func(c *Commands) { c.Sort = "x" }),
		"arguments are for programs":    {Commands: sorted, Args: map[string]string{"a": "b"}, Inputs: []string{"/in"}},
		"nobody can tell":               {Commands: sorted, SkipBad: 1, Inputs: []string{"/in"}},
		"programs that read words":      {Commands: sorted, Blob: 10, Inputs: []string{"/in"}},
		"65 files to ship along":        {Commands: sorted, Files: make([]string, 65), Inputs: []string{"/in"}},
		`unknown records "sentences"`:   {Program: "count", Records: "sentences", Inputs: []string{"/in"}},
		"blobs of whole":                {Program: "count", Records: Whole, Blob: 5, Inputs: []string{"/in"}},
		`class "a.b"`:                   {Program: "count", Class: "a.b", Inputs: []string{"/in"}},
		`use kv://NAME`:                 {Program: "count", Inputs: []string{"/in"}, Output: Target{To: "kv://a.b"}},
		`output "ftp://x"`:              {Program: "count", Inputs: []string{"/in"}, Output: Target{To: "ftp://x"}},
		"the top -1 rows":               {Program: "count", Inputs: []string{"/in"}, Output: Target{Top: -1}},
		`codec "bzip2": use gzip or zs`: {Program: "count", Inputs: []string{"/in"}, Output: Target{Codec: Bzip2}},
	} {
		if err := job.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", job, err, want)
		}
	}
}

func TestJobsWithCommandsAreWrittenAsUsersWriteThem(t *testing.T) {
	var job Job
	const text = `{"map":"./map.py","combine":"./sum.py","reduce":"./sum.py","files":["/a/map.py"],"key_fields":2,"inputs":["/in"],"output":{}}`
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		t.Fatal(err)
	}
	want := Job{
		Commands: Commands{Map: "./map.py", Combine: "./sum.py", Reduce: "./sum.py", KeyFields: 2},
		Files:    []string{"/a/map.py"}, Inputs: []string{"/in"},
	}
	if diff := cmp.Diff(want, job); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := job.Validate(); err != nil {
		t.Error(err)
	}
	again, err := json.Marshal(job)
	var back Job
	if err != nil || json.Unmarshal(again, &back) != nil || !cmp.Equal(job, back) {
		t.Errorf("%s, %v", again, err)
	}
}

func TestCommandsWithoutAReduceAreMapOnly(t *testing.T) {
	job := running(Commands{Map: "cat"})
	if job.MapOnly || !job.Normal().MapOnly || running(Commands{Map: "cat", Reduce: "cat"}).Normal().MapOnly {
		t.Errorf("%+v", job.Normal())
	}
	mapOnly := job
	mapOnly.MapOnly = true
	if !job.Same(mapOnly) {
		t.Error("what follows from the rest makes another job")
	}
	if job.Same(running(Commands{Map: "cat "})) {
		t.Error("another command makes the same job")
	}
}

func TestShippedFilesAreWhatTheyHold(t *testing.T) {
	job := running(Commands{Map: "./x"})
	job.Files = []string{"bus://one/0-0#abc"}
	same := job
	same.Files = []string{"bus://two/0-0#abc"}
	other := job
	other.Files = []string{"bus://one/0-0#abd"}
	if !job.Same(same) || job.Same(other) {
		t.Error("files are told apart by their upload, not by what they hold")
	}
	if diff := cmp.Diff([]string{"one"}, job.Uploads()); diff != "" {
		t.Errorf("uploads (-want +got):\n%s", diff)
	}
}

func TestKeySortsAreReadAsSortHasThem(t *testing.T) {
	for text, want := range map[string][]KeySort{
		"":            nil,
		"1":           {{From: 1}},
		"1,1 2,2nr":   {{From: 1, To: 1}, {From: 2, To: 2, Numeric: true, Reverse: true}},
		" 3,4rn  5r ": {{From: 3, To: 4, Numeric: true, Reverse: true}, {From: 5, Reverse: true}},
	} {
		got, err := ParseKeySort(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
	}
}

func FuzzParseKeySort(f *testing.F) {
	f.Add("1,1 2,2nr")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeySort(text)
		for _, key := range keys {
			if err == nil && (key.From < 1 || key.To != 0 && key.To < key.From) {
				t.Errorf("%q: %+v", text, key)
			}
		}
	})
}
