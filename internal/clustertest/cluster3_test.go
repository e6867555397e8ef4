package clustertest_test

import (
	"testing"

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
