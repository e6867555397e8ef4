package clustertest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
)

// The server that leads the state bucket dies during a job, and stays dead. The two others go on deciding; the runs that only
// that server had are made again, on lanes of others.
func TestServerThatLeadsTheStateDiesAndTheJobIsExact(t *testing.T) {
	t.Parallel()
	p := newPlay(t, clustertest.Setup{Servers: bustest.Servers, Coordinators: 2, Workers: 2, Clients: 1})
	p.begin(4)
	server := p.Cluster.LeaderOf("KV_jetreduce-state")
	p.Cluster.Kill(server)
	if err := p.Clients[0].Bus().Journal(p.standingEpoch()).Confirm(p.ctx); err != nil {
		t.Errorf("two servers of three do not take a fenced write: %v", err)
	}
	p.gate.Open()
	p.exact(p.Clients[0])
}

// standingEpoch is the epoch that the bus says stands.
func (p *play) standingEpoch() mapreduce.Epoch {
	p.t.Helper()
	seen, err := p.Clients[0].Bus().Sight("witness").Look(p.ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	return seen.Epoch
}

// With runs on three servers none is lost with the one that leads their lane: what was mapped before it died is not mapped again.
func TestServerThatLeadsALaneOfThreeDiesAndNoMapRunsAgain(t *testing.T) {
	t.Parallel()
	h := half{open: make(chan struct{}), waiting: make(chan struct{}, 100), begun: map[string]int{}}
	p := newPlay(t, clustertest.Setup{
		Servers: bustest.Servers, Coordinators: 1, Workers: 2, Clients: 1, Shape: bus.Shape{DataReplicas: 3},
		Programs: []mapreduce.Program{clustertest.Slow("half", h.wait)},
	})
	p.job.Program, p.job.SplitSize = "half", 50
	p.begin(0)
	for range halfOpen { // as many as there are slots
		select {
		case <-h.waiting:
		case <-p.ctx.Done():
			t.Fatal("no map waits")
		}
	}
	lane := p.lane()
	p.Cluster.AwaitReplicas(lane)
	p.Cluster.Kill(p.Cluster.LeaderOf(lane))
	close(h.open)
	p.exact(p.Clients[0])
	if p.Heard("output was lost, its tasks run again") > 0 {
		t.Error("output was lost")
	}
	for _, split := range h.first {
		if n := h.begun[split]; n != 1 {
			t.Errorf("%s was mapped %d times", split, n)
		}
	}
}

// halfOpen is how many maps pass a half.
const halfOpen = 4

// half is a gate that lets the first maps pass, and the others when it is opened.
type half struct {
	open, waiting chan struct{}

	mu    sync.Mutex
	first []string       // splits
	begun map[string]int // how often, by split
}

func (h *half) wait(ctx context.Context, batch mapreduce.Batch) error {
	split := fmt.Sprintf("%s at %d", batch.Source, batch.Offset)
	h.mu.Lock()
	h.begun[split]++
	pass := len(h.first) < halfOpen
	if pass {
		h.first = append(h.first, split)
	}
	h.mu.Unlock()
	if pass {
		return nil
	}
	h.waiting <- struct{}{}
	select {
	case <-h.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lane is the stream of a lane of the job, to which all maps publish.
func (p *play) lane() string {
	p.t.Helper()
	js, err := jetstream.New(p.Cluster.Conn())
	if err != nil {
		p.t.Fatal(err)
	}
	lane := ""
	names := js.StreamNames(p.ctx, jetstream.WithStreamListSubject("jetreduce.runs.>"))
	for name := range names.Name() {
		lane = name
	}
	if lane == "" || names.Err() != nil {
		p.t.Fatalf("no lane: %v", names.Err())
	}
	return lane
}
