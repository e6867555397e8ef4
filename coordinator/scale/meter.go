package scale

import (
	"fmt"
	"runtime"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// Kind is what events of one kind cost the state machine.
type Kind struct {
	Count  int
	Spent  time.Duration // processor, with what the collector asks of whoever allocates
	Most   time.Duration // of one
	allocs sample
	bytes  sample
}

// Allocs is how many allocations one event makes, and of how many bytes, as a mean of some.
func (k Kind) Allocs() (n, bytes float64) {
	return mean(k.allocs), mean(k.bytes)
}

// sample is the sum of some.
type sample struct{ n, sum int }

func mean(s sample) float64 {
	if s.n == 0 {
		return 0
	}
	return float64(s.sum) / float64(s.n)
}

// meter measures steps, by kind of event. It must stay on one thread.
type meter struct {
	kinds map[string]*Kind
	clock time.Duration // what it takes to look at the clock
}

func newMeter() meter {
	const looks = 1000
	began := cpu()
	for range looks {
		cpu()
	}
	return meter{map[string]*Kind{}, (cpu() - began) / looks}
}

// step takes a step. Of one in a thousand the allocations are counted instead of the time: counting them stops the world.
func (m meter) step(s *coordinator.State, now time.Time, event mapreduce.Event) []coordinator.Command {
	name := fmt.Sprintf("%T", event)[len("mapreduce."):]
	k := m.kinds[name]
	if k == nil {
		k = &Kind{}
		m.kinds[name] = k
	}
	k.Count++
	if k.Count%oneIn == 2 { // not the first: it does what no other does
		return k.allocate(func() []coordinator.Command { return s.Step(now, event) })
	}
	began := cpu()
	commands := s.Step(now, event)
	took := max(0, cpu()-began-m.clock)
	k.Spent, k.Most = k.Spent+took, max(k.Most, took)
	return commands
}

func (k *Kind) allocate(step func() []coordinator.Command) []coordinator.Command {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	commands := step()
	runtime.ReadMemStats(&after)
	k.allocs.n, k.bytes.n = k.allocs.n+1, k.bytes.n+1
	k.allocs.sum += int(after.Mallocs - before.Mallocs)
	k.bytes.sum += int(after.TotalAlloc - before.TotalAlloc)
	return commands
}
