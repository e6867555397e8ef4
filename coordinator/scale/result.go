package scale

import (
	"time"
)

// Result is what a run cost, and whom.
type Result struct {
	Config   Config
	Makespan time.Duration // virtual
	Reduces  int           // R
	Behind   int           // events that waited for the leader, at most
	Deaths   int           // of workers

	Kinds    map[string]*Kind // by kind of event
	Commands map[string]int   // by kind of command
	Messages Messages
	Texts    map[string]Text // of messages, by kind

	RosterBytes int // of the rosters that were too large for tasks
}

// Messages counts what goes over the bus.
type Messages struct {
	Beats    int // heartbeats
	Progress int // signs of life for messages of the queue
	Queued   int // tasks put into the queue
	Tasks    int // handed out
	Acks     int // of tasks
	Records  int // commits, failures, states
	Told     int // to users
}

// Tasks is how many tasks the job has.
func (r Result) Tasks() int { return 1 + r.Config.Splits + r.Reduces + 1 }

// Spent is the time in Step, and per task.
func (r Result) Spent() (all, perTask time.Duration) {
	for _, k := range r.Kinds {
		all += k.Spent
	}
	return all, all / time.Duration(r.Tasks())
}
