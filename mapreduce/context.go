package mapreduce

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// TaskContext is what an attempt tells the program that it runs, and hears from it. It comes with the context of each call of a mapper or
// reducer: see TaskOf. It is safe for concurrent use.
type TaskContext struct {
	Job     JobID
	Task    TaskID
	Attempt Attempt
	Dir     string            // of this attempt alone, removed behind it: in it stand the files that the job ships along, for reading
	Log     func(line string) // of what a program says beside its output; nil: nobody listens

	mu       sync.Mutex
	counters Counters
	status   string
}

type taskKey struct{}

// WithTask is a context by which a program finds its task.
func WithTask(ctx context.Context, task *TaskContext) context.Context {
	return context.WithValue(ctx, taskKey{}, task)
}

// TaskOf is the task that a mapper's or reducer's context belongs to; never nil.
func TaskOf(ctx context.Context) *TaskContext {
	if task, ok := ctx.Value(taskKey{}).(*TaskContext); ok {
		return task
	}
	return &TaskContext{}
}

// Count adds to one of the job's counters. What attempts count that do not commit is left out.
func Count(ctx context.Context, group, name string, n int64) { TaskOf(ctx).Count(group, name, n) }

// Count adds to one of the job's counters.
func (t *TaskContext) Count(group, name string, n int64) {
	name = CounterName(group, name)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counters == nil {
		t.counters = Counters{}
	}
	if _, known := t.counters[name]; known || len(t.counters) <= MaxCounters { // one too many is an error; more would only take memory
		t.counters[name] += n
	}
}

// Say tells users how far the task is, in words.
func (t *TaskContext) Say(status string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status = Abridge(printable(status), maxStatus)
}

// Status is what was said last.
func (t *TaskContext) Status() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// Path is where a file stands that the job ships along, by its name.
func (t *TaskContext) Path(name string) string { return filepath.Join(t.Dir, name) }

// Counters are what has been counted so far. More than a commit has room for are an error.
func (t *TaskContext) Counters() (Counters, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.counters) > MaxCounters {
		return nil, Permanentf("the program has more than %d different counters in one task: count fewer things, or emit them as pairs",
			MaxCounters)
	}
	return maps.Clone(t.counters), nil
}

// Limits of what a program says and counts.
const (
	MaxCounters    = 100  // different ones of an attempt
	maxJobCounters = 1000 // of a job; what is behind them is added up under one name
	maxCounterName = 128  // bytes
	maxEscapes     = 4    // characters of a name that JSON writes as up to six bytes: a job's summary is one message
	maxStatus      = 128
)

// Counters are sums by name: "group,name".
type Counters map[string]int64

// CounterName is how a counter is called. A group's comma would end it.
func CounterName(group, name string) string {
	group = strings.ReplaceAll(group, ",", "_")
	name = Abridge(printable(group+","+name), maxCounterName)
	escapes := 0
	for i := range len(name) {
		if strings.IndexByte(escaped, name[i]) >= 0 {
			escapes++
		}
	}
	if escapes > maxEscapes {
		return plain(name)
	}
	return name
}

// printable is a program's words as they may be shown on a terminal.
func printable(words string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '_'
	}, strings.ToValidUTF8(words, "�"))
}

// otherCounters is the name of those that a job has too many of.
const otherCounters = "jetreduce,other counters"

// Add adds up, and returns what has come of it. It changes c, if there is one.
func (c Counters) Add(more Counters) Counters {
	if len(more) > 0 && c == nil {
		c = Counters{}
	}
	for _, name := range slices.Sorted(maps.Keys(more)) { // sorted: which are left out must not depend on chance
		if _, known := c[name]; known || len(c) < maxJobCounters {
			c[name] += more[name]
		} else {
			c[otherCounters] += more[name]
		}
	}
	return c
}

// ParseCounter reads what a program in another language writes to count: "group,name,n".
func ParseCounter(text string) (group, name string, n int64, err error) {
	group, rest, found := strings.Cut(text, ",")
	name, number, more := cutLast(rest, ",")
	if !found || !more || group == "" || name == "" {
		return "", "", 0, errors.New("no group,name,n")
	}
	if n, err = strconv.ParseInt(strings.TrimSpace(number), 10, 64); err != nil {
		return "", "", 0, fmt.Errorf("%q is no whole number", number)
	}
	return group, name, n, nil
}
