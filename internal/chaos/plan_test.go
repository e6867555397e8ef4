package chaos

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var both = Range{Topologies: []Topology{Bus, Hosted}, Bytes: 20e6, Span: 20 * time.Second}

func TestSameSeedIsTheSamePlan(t *testing.T) {
	for seed := range uint64(50) {
		if diff := cmp.Diff(Draw(seed, both), Draw(seed, both)); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
	if cmp.Equal(Draw(1, both), Draw(2, both)) {
		t.Error("two seeds make one plan")
	}
}

// Promise: what may be drawn is drawn, and no plan asks for what its topology cannot do.
func TestPlansHaveAllThereIs(t *testing.T) {
	kinds, topologies, programs := map[Kind]bool{}, map[Topology]bool{}, map[string]bool{}
	for seed := range uint64(300) {
		p := Draw(seed, both)
		topologies[p.Topology] = true
		for _, f := range p.Faults {
			kinds[f.Kind] = true
			if f.Kind.cuts() && !p.Proxied {
				t.Fatalf("seed %d cuts a cable that is not there", seed)
			}
		}
		for _, j := range p.Jobs {
			programs[j.Program] = true
		}
		if !slices.IsSortedFunc(p.Faults, func(a, b Fault) int { return int(a.At - b.At) }) {
			t.Fatalf("seed %d: faults out of order", seed)
		}
	}
	if len(kinds) != len(likelihoods) || len(topologies) != 2 || len(programs) != 3 {
		t.Errorf("drawn: %v, %v, %v", kinds, topologies, programs)
	}
}
