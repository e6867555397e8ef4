package clustertest

import (
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
	"time"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

// Customer is a client that asks for this and that about some jobs, and notes what it is answered.
type Customer struct {
	Number  int
	Desk    *bus.Desk
	History *History
	Jobs    []mapreduce.Job
	Luck    *rand.Rand
}

// patience is how long a customer waits for an answer. A leader may take longer, and act on it all the same.
const patience = 800 * time.Millisecond

// Run asks until ctx ends.
func (c *Customer) Run(ctx context.Context) {
	ops := []JobOp{Submit, Submit, Status, Status, Status, Status, Status, Status, Cancel, Retry, Remove, Remove}
	for ctx.Err() == nil {
		c.ask(ctx, c.Jobs[c.Luck.IntN(len(c.Jobs))], ops[c.Luck.IntN(len(ops))])
		pass(ctx, time.Duration(c.Luck.IntN(int(80*time.Millisecond))))
	}
}

func (c *Customer) ask(ctx context.Context, job mapreduce.Job, do JobOp) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answered := c.History.Call(c.Number, JobCall{job.ID, do})
	status, err := c.call(ctx, job, do)
	switch {
	case status != nil:
		answered(JobAnswer{UID: status.UID, State: status.State, Epoch: status.Epoch})
	case do == Status && err == nil, errors.Is(err, mapreduce.ErrUnknownJob):
		answered(JobAnswer{Unknown: true})
	case mapreduce.IsPermanent(err):
		answered(JobAnswer{Refused: refusal(err)})
	case do == Submit: // it may have been handed in twice: to a leader, and to be taken up by the next
		c.History.Call(c.Number, JobCall{job.ID, do})
	}
}

func (c *Customer) call(ctx context.Context, job mapreduce.Job, do JobOp) (*mapreduce.Status, error) {
	switch do {
	case Submit:
		status, _, err := c.Desk.Submit(ctx, job)
		return status, err
	case Cancel:
		return c.Desk.Cancel(ctx, job.ID)
	case Retry:
		return c.Desk.Retry(ctx, job.ID)
	case Remove:
		return c.Desk.Remove(ctx, job.ID)
	default:
		return c.Desk.Ask(ctx, job.ID)
	}
}

// named is how a refusal names the state that is its reason.
var named = regexp.MustCompile(`job \S+ is (\w+)`)

// refusal is the state that a refusal names; the refusal itself when it names none, which no model allows.
func refusal(err error) mapreduce.State {
	found := named.FindStringSubmatch(err.Error())
	if found == nil {
		return mapreduce.State(err.Error())
	}
	return mapreduce.State(found[1])
}
