package bus

import (
	"encoding/json"
	"testing"

	"jetreduce/mapreduce"
)

// Records, tasks and heartbeats come from other processes. Whatever they hold, reading them ends in a value about the
// key that they stand under, or in an error.
func FuzzRecordEvent(f *testing.F) {
	task := mapreduce.TaskID{UID: "u", Phase: mapreduce.Map, N: 3, Generation: 1}
	attempt := mapreduce.Attempt{Worker: "w", N: 7}
	for name, record := range map[string]any{
		task.String():            mapreduce.Commit{Version: 1, Task: task, Attempt: attempt, Digest: 5},
		task.String() + ".a.w-7": mapreduce.Failure{Version: 1, Task: task, Attempt: attempt, Reason: "no"},
		"u.end":                  mapreduce.End{Version: 1, UID: "u", State: mapreduce.Done},
	} {
		data, err := json.Marshal(record)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, data)
		f.Add("x"+name, data)
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		event, err := recordEvent(name, data)
		if err != nil {
			return
		}
		var key string
		switch e := event.(type) {
		case mapreduce.Commit:
			key = e.Task.String()
		case mapreduce.Failure:
			key = failureKey(e)
		case mapreduce.End:
			key = endKey(e.UID)
		}
		if key != name {
			t.Errorf("the record at %q is about %q", name, key)
		}
	})
}

func FuzzTask(f *testing.F) {
	f.Add([]byte(`{"v":1,"task":"u.map.0.1","split":{"plan":"u.plan.0.1","attempt":"w-1","chunk":0,"index":0},"reduces":2}`))
	f.Add([]byte(`{"v":1,"task":"u.reduce.0.1","roster":{"tasks":1,"inline":"AQF3AQAB"}}`))
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var beat mapreduce.Beat
		_ = json.Unmarshal(data, &beat)
		task, err := readTask(data)
		if err != nil {
			return
		}
		if id, err := mapreduce.ParseTaskID(task.ID.String()); err != nil || id != task.ID {
			t.Errorf("task %q was read as %v, %v", task.ID, id, err)
		}
	})
}
