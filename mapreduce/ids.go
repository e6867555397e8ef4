package mapreduce

import (
	"fmt"
	"strconv"
	"strings"
)

// JobID is the name that a user gives a job: [A-Za-z0-9_-]{1,64}.
type JobID string

// Valid reports whether the id may stand in a subject, a key and a file name.
func (id JobID) Valid() bool { return len(id) <= 64 && token(string(id)) }

// UID names one submission of a job; it is new for each submission and each retry, and stands in the name of everything
// that the job owns on the bus.
type UID string

// WorkerID names one life of one worker process; a restarted worker has a new one.
type WorkerID string

// Epoch is one leadership: the revision of the `epoch` key at takeover. Later leaders have larger ones.
type Epoch uint64

// Generation counts the rounds of a task whose output was lost; the first is 1.
type Generation uint32

// Phase is the kind of a task, and the part of a job's life that such tasks make up.
type Phase string

// The four phases, in the order of a job's life.
const (
	Plan   Phase = "plan"   // list the inputs, cut the splits
	Map    Phase = "map"    // one for each split
	Reduce Phase = "reduce" // one for each partition
	Finish Phase = "finish" // publish the output
)

// TaskID names one task in one generation. N counts from 0 within the phase.
type TaskID struct {
	UID        UID
	Phase      Phase
	N          int
	Generation Generation
}

// String is the task's key on the bus: uid.phase.n.generation.
func (t TaskID) String() string {
	return fmt.Sprintf("%s.%s.%d.%d", t.UID, t.Phase, t.N, t.Generation)
}

// MarshalText makes a TaskID its key in JSON.
func (t TaskID) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *TaskID) UnmarshalText(text []byte) error {
	id, err := ParseTaskID(string(text))
	*t = id
	return err
}

// ParseTaskID reads a key that String wrote, and refuses anything else.
func ParseTaskID(key string) (TaskID, error) {
	part := strings.Split(key, ".")
	if len(part) != 4 || !token(part[0]) {
		return TaskID{}, fmt.Errorf("parse task %q: not uid.phase.n.generation", key)
	}
	n, err := decimal(part[2], 31)
	if err != nil {
		return TaskID{}, fmt.Errorf("parse task %q: number: %w", key, err)
	}
	generation, err := decimal(part[3], 32)
	if err != nil {
		return TaskID{}, fmt.Errorf("parse task %q: generation: %w", key, err)
	}
	phase := Phase(part[1])
	switch phase {
	case Plan, Map, Reduce, Finish:
		return TaskID{UID(part[0]), phase, int(n), Generation(generation)}, nil
	}
	return TaskID{}, fmt.Errorf("parse task %q: no phase %q", key, phase)
}

// Attempt names one execution of a task: who runs it, and the how manieth execution of that worker it is. It is unique
// by construction. A number handed out with the task would not be: the queue may deliver one message twice.
type Attempt struct {
	Worker WorkerID
	N      uint32
}

// String is worker-n.
func (a Attempt) String() string { return fmt.Sprintf("%s-%d", a.Worker, a.N) }

// IsZero reports whether the attempt names nobody.
func (a Attempt) IsZero() bool { return a == Attempt{} }

// MarshalText makes an Attempt its name in JSON.
func (a Attempt) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Attempt) UnmarshalText(text []byte) error {
	attempt, err := ParseAttempt(string(text))
	*a = attempt
	return err
}

// ParseAttempt reads a name that String wrote, and refuses anything else.
func ParseAttempt(name string) (Attempt, error) {
	worker, number, found := cutLast(name, "-")
	n, err := decimal(number, 32)
	if !found || !token(worker) || err != nil {
		return Attempt{}, fmt.Errorf("parse attempt %q: not worker-n", name)
	}
	return Attempt{WorkerID(worker), uint32(n)}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// decimal reads what Sprint writes, and nothing else: "007" and "+7" would be a second key for the same thing.
func decimal(s string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, bits)
	if err == nil && strconv.FormatUint(n, 10) != s {
		err = fmt.Errorf("%q is not the shortest form", s)
	}
	return n, err
}

// Valid reports whether a uid can be a part of names on the bus.
func (u UID) Valid() bool { return token(string(u)) && len(u) <= 64 }

// token reports whether s is one or more of [A-Za-z0-9_-]: what may stand between two dots of a subject.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		ok := c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !ok {
			return false
		}
	}
	return s != ""
}
