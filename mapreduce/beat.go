package mapreduce

import "time"

// Beat is a worker's heartbeat: that it lives, what it can take, and what it is running.
type Beat struct {
	Version int           `json:"v"`
	Worker  WorkerID      `json:"worker"`
	Host    string        `json:"host,omitempty"`
	Slots   map[Class]int `json:"slots"`
	Running []Running     `json:"running,omitempty"`
	Bye     bool          `json:"bye,omitempty"` // the last one: it stops, and has handed everything back
}

// Running is one attempt under way.
type Running struct {
	Task     TaskID    `json:"task"`
	Attempt  Attempt   `json:"attempt"`
	Receipt  string    `json:"receipt,omitempty"` // the delivery's ack subject: whoever has it can hand the task on
	Since    time.Time `json:"since"`
	Progress int64     `json:"progress,omitempty"` // map: input bytes read so far
}
