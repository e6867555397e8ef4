package mapreduce_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// token draws what may stand in a subject.
func token() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.SampledFrom([]rune(letters)), 1, 30, -1)
}

func taskID() *rapid.Generator[mapreduce.TaskID] {
	phases := []mapreduce.Phase{mapreduce.Plan, mapreduce.Map, mapreduce.Reduce, mapreduce.Finish}
	return rapid.Custom(func(t *rapid.T) mapreduce.TaskID {
		return mapreduce.TaskID{
			UID: mapreduce.UID(token().Draw(t, "uid")), Phase: rapid.SampledFrom(phases).Draw(t, "phase"),
			N: rapid.IntRange(0, math.MaxInt32).Draw(t, "n"), Generation: mapreduce.Generation(rapid.Uint32().Draw(t, "generation")),
		}
	})
}

func attempt() *rapid.Generator[mapreduce.Attempt] {
	return rapid.Custom(func(t *rapid.T) mapreduce.Attempt {
		return mapreduce.Attempt{Worker: mapreduce.WorkerID(token().Draw(t, "worker")), N: rapid.Uint32().Draw(t, "n")}
	})
}

func TestIDsReadAsTheyWereWritten(t *testing.T) {
	type ids struct {
		Task    mapreduce.TaskID
		Attempt mapreduce.Attempt
		ByTask  map[mapreduce.TaskID]mapreduce.Attempt
	}
	rapid.Check(t, func(t *rapid.T) {
		task, by := taskID().Draw(t, "task"), attempt().Draw(t, "attempt")
		text, err := json.Marshal(ids{task, by, map[mapreduce.TaskID]mapreduce.Attempt{task: by}})
		if err != nil {
			t.Fatal(err)
		}
		var got ids
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if got.Task != task || got.Attempt != by || got.ByTask[task] != by {
			t.Fatalf("%s and %s read as %+v", task, by, got)
		}
	})
}

// A second spelling of an id would be a second key for the same thing, and so a second commit.
func TestIDHasOneSpelling(t *testing.T) {
	parts := rapid.SampledFrom([]string{
		"", ".", ".", "-", "u", "map", "plan", "Map", "0", "1", "00", "01", "+1", "-1", " 1", "1 ", "2147483647", "2147483648",
		"4294967295", "4294967296", "99999999999999999999", "1e3", "0x1", "1_0", "٣", "*", ">", "\n", "\x00", "é",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(parts, 0, 9).Draw(t, "parts"), "")
		if id, err := mapreduce.ParseTaskID(text); err == nil && id.String() != text {
			t.Fatalf("task %q is written %q", text, id)
		}
		if id, err := mapreduce.ParseAttempt(text); err == nil && id.String() != text {
			t.Fatalf("attempt %q is written %q", text, id)
		}
	})
}

func TestWhatIsNoTaskIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "u", "u.map.1", "u.map.1.1.1", ".map.1.1", "u..1.1", "u.sort.1.1", "u.MAP.1.1", "u.map..1", "u.map.1.", "u.map.-1.1",
		"u.map.+1.1", "u.map.01.1", "u.map.1.01", "u.map.2147483648.1", "u.map.1.4294967296", "u*.map.1.1", "u.map.1.x", " u.map.1.1",
	} {
		if id, err := mapreduce.ParseTaskID(text); err == nil || !strings.Contains(err.Error(), "parse task") {
			t.Errorf("%q read as %+v, error %v", text, id, err)
		}
	}
}

func TestWhatIsNoAttemptIsRefused(t *testing.T) {
	for _, text := range []string{"", "w", "-", "-1", "w-", "w-x", "w-01", "w-+1", "w-4294967296", "w.x-1", "w 1-1", "w-1 ", "é-1"} {
		if id, err := mapreduce.ParseAttempt(text); err == nil || !strings.Contains(err.Error(), "parse attempt") {
			t.Errorf("%q read as %+v, error %v", text, id, err)
		}
	}
}

func TestJobIDMayStandInASubjectAndAFileName(t *testing.T) {
	for id, valid := range map[mapreduce.JobID]bool{
		"a": true, "A-z_09": true, mapreduce.JobID(strings.Repeat("x", 64)): true,
		"": false, mapreduce.JobID(strings.Repeat("x", 65)): false, "a.b": false, "a b": false, "a/b": false, "*": false, ">": false, "é": false, "a\n": false,
	} {
		if id.Valid() != valid {
			t.Errorf("job id %q: valid is %t", id, !valid)
		}
	}
}

func TestOnlyTheZeroAttemptNamesNobody(t *testing.T) {
	if !(mapreduce.Attempt{}).IsZero() || (mapreduce.Attempt{N: 1}).IsZero() || (mapreduce.Attempt{Worker: "w"}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestLaneOfATaskIsItsOwn(t *testing.T) {
	task := mapreduce.TaskID{UID: "u", Phase: mapreduce.Reduce, N: 3, Generation: 2}
	if got, want := task.Lane(), (mapreduce.Lane{UID: "u", Reader: mapreduce.Reduce, Partition: 3, Generation: 2}); got != want {
		t.Errorf("lane %v, want %v", got, want)
	}
}
