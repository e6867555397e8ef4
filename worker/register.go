package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"jetreduce/mapreduce"
)

// register is the attempts under way in a worker. It is safe for concurrent use.
type register struct {
	mu      sync.Mutex
	entries map[mapreduce.Attempt]*entry
}

type entry struct {
	delivery mapreduce.Delivery
	attempt  mapreduce.Attempt
	since    time.Time
	extended time.Time
	progress *atomic.Int64
	context  *mapreduce.TaskContext
	end      context.CancelCauseFunc
}

func (r *register) add(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries == nil {
		r.entries = map[mapreduce.Attempt]*entry{}
	}
	r.entries[e.attempt] = e
}

// begin notes when an attempt began, which may have been held for a moment.
func (r *register) begin(attempt mapreduce.Attempt, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[attempt]; e != nil {
		e.since = now
	}
}

func (r *register) remove(attempt mapreduce.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, attempt)
}

// end ends the attempts of what is over.
func (r *register) end(over mapreduce.Over, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		if over.Covers(e.delivery.Task.ID) {
			e.end(cause)
		}
	}
}

// list is what a heartbeat says of them.
func (r *register) list() []mapreduce.Running {
	r.mu.Lock()
	defer r.mu.Unlock()
	running := make([]mapreduce.Running, 0, len(r.entries))
	for _, e := range r.entries {
		running = append(running, mapreduce.Running{
			Task: e.delivery.Task.ID, Attempt: e.attempt, Receipt: e.delivery.Receipt,
			Since: e.since, Progress: e.progress.Load(), Status: e.context.Status(), Speculative: e.delivery.Task.Speculative,
		})
	}
	return running
}

// due is the receipts that the queue has not heard of for a third of its patience; from now on it has.
func (r *register) due(now time.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var receipts []string
	for _, e := range r.entries {
		if now.Sub(e.extended) >= e.delivery.Patience/3 {
			e.extended = now
			receipts = append(receipts, e.delivery.Receipt)
		}
	}
	return receipts
}
