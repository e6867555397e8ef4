package mapreduce

import (
	"bytes"
	"fmt"
	"time"
)

// Beat is a worker's heartbeat: that it lives, what it can take, and what it is running.
type Beat struct {
	Version int           `json:"v"`
	Worker  WorkerID      `json:"worker"`
	Host    string        `json:"host,omitempty"`
	Pool    Pool          `json:"pool,omitempty"` // whose tasks it takes; "": DefaultPool
	At      time.Time     `json:"at,omitzero"`    // by the worker's clock, as the beginnings of its attempts
	Slots   map[Class]int `json:"slots"`
	Running []Running     `json:"running,omitempty"`
	Bye     bool          `json:"bye,omitempty"` // the last one: it stops, and has handed everything back
}

// Bounds of a heartbeat: whoever reads many has work with each part.
const (
	maxBeatClasses = 16
	maxBeatRunning = 1 << 13
	maxWorkerID    = 64 // bytes
)

// Check refuses what no worker sends. Anybody may send heartbeats, and what they name becomes a part of names on the bus.
func (b Beat) Check() error {
	switch {
	case len(b.Worker) > maxWorkerID || !token(string(b.Worker)):
		return fmt.Errorf("worker %.100q is no name", b.Worker)
	case len(b.Slots) > maxBeatClasses:
		return fmt.Errorf("worker %s: slots of %d classes, %d at most", b.Worker, len(b.Slots), maxBeatClasses)
	case len(b.Running) > maxBeatRunning:
		return fmt.Errorf("worker %s: %d attempts, %d at most", b.Worker, len(b.Running), maxBeatRunning)
	}
	for class, slots := range b.Slots {
		if !class.Valid() || slots < 0 || slots > maxBeatRunning {
			return fmt.Errorf("worker %s: %d slots of class %.100q", b.Worker, slots, class)
		}
	}
	return b.Pool.Check()
}

// Over says that nobody needs what is still done for a submission, or for one task of it.
type Over struct {
	UID  UID
	Task *TaskID // nil: all
}

// Covers reports whether a task is over.
func (o Over) Covers(id TaskID) bool { return o.UID == id.UID && (o.Task == nil || *o.Task == id) }

// MarshalText writes the uid, or the task's key.
func (o Over) MarshalText() ([]byte, error) {
	if o.Task != nil {
		return o.Task.MarshalText()
	}
	return []byte(o.UID), nil
}

// UnmarshalText reads what MarshalText wrote.
func (o *Over) UnmarshalText(text []byte) error {
	*o = Over{UID: UID(text)}
	if !bytes.Contains(text, []byte(".")) {
		return nil
	}
	id, err := ParseTaskID(string(text))
	*o = Over{UID: id.UID, Task: &id}
	return err
}

// Running is one attempt under way.
type Running struct {
	Task     TaskID    `json:"task"`
	Attempt  Attempt   `json:"attempt"`
	Receipt  string    `json:"receipt,omitempty"` // the delivery's ack subject: whoever has it can hand the task on
	Since    time.Time `json:"since"`
	Progress int64     `json:"progress,omitempty"` // map: input bytes read so far
	Status   string    `json:"status,omitempty"`   // what its program has said last

	Speculative bool `json:"speculative,omitempty"` // it was begun beside another attempt of its task
}
