package clustertest_test

import (
	"context"
	"testing"
	"time"

	"jetreduce/bus"
	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
)

// A leader that was cut off, is deposed and does not know it yet is asked as well as the one that leads. Its answer comes first,
// since it has nothing to write; it must be true all the same: what is refused is not done.
func TestDeposedLeaderRefusesNothingThatIsDone(t *testing.T) {
	for what, ask := range map[string]func(ctx context.Context, desk *bus.Desk, job mapreduce.JobID) (*mapreduce.Status, error){
		"retry": func(ctx context.Context, desk *bus.Desk, job mapreduce.JobID) (*mapreduce.Status, error) {
			return desk.Retry(ctx, job)
		},
		"rm": func(ctx context.Context, desk *bus.Desk, job mapreduce.JobID) (*mapreduce.Status, error) {
			return desk.Remove(ctx, job)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t, clustertest.Setup{Coordinators: 2, Workers: 1, Clients: 1})
			first, epoch := p.Leader(0)
			p.begin(1)
			first.Isolate()
			p.Leader(epoch)
			p.answered(epoch)
			desk := p.Clients[0].Bus().Desk()
			if status, err := desk.Cancel(p.ctx, p.job.ID); err != nil || status.State != mapreduce.Cancelled {
				t.Fatalf("cancel: %v, error %v", status, err)
			}
			first.Heal()
			if _, err := ask(p.ctx, desk, p.job.ID); err != nil {
				t.Errorf("%s of a job that is cancelled: %v", what, err)
			}
		})
	}
}

// answered waits until a leader of a later epoch answers: what was asked before that, nobody may have heard.
func (p *play) answered(after mapreduce.Epoch) {
	p.t.Helper()
	for p.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(p.ctx, 200*time.Millisecond)
		status, err := p.Clients[0].Bus().Desk().Ask(ctx, p.job.ID)
		cancel()
		if err == nil && status != nil && status.Epoch > after {
			return
		}
	}
	p.t.Fatal("no later leader answers")
}
