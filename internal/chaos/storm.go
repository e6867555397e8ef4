package chaos

import (
	"context"
	"slices"
	"time"
)

// storm does the faults of a plan to a cluster, and mends what it has done. It is one goroutine's.
type storm struct {
	cluster *cluster
	journal *journal
	repairs []repair
}

// repair is something to be done about a member.
type repair struct {
	at time.Duration // since the run began
	do func()
}

// again is how long a repair that cannot be done yet is put off.
const again = 250 * time.Millisecond

// run does the faults in their order until all are mended or calm is closed; then it mends what is left at once.
func (s *storm) run(ctx context.Context, faults []Fault, calm <-chan struct{}) {
	for len(faults) > 0 || len(s.repairs) > 0 {
		next, is := s.nextRepair(faults)
		at := next.at
		if !is {
			at = faults[0].At
		}
		if !s.sleep(ctx, at, calm) {
			break
		}
		if is {
			next.do()
			continue
		}
		s.do(faults[0])
		faults = faults[1:]
	}
	s.mendAll(ctx)
}

// nextRepair takes the earliest repair out, unless a fault comes before it.
func (s *storm) nextRepair(faults []Fault) (repair, bool) {
	first := 0
	for i, r := range s.repairs {
		if r.at < s.repairs[first].at {
			first = i
		}
	}
	if len(s.repairs) == 0 || len(faults) > 0 && faults[0].At < s.repairs[first].at {
		return repair{}, false
	}
	next := s.repairs[first]
	s.repairs = slices.Delete(s.repairs, first, first+1)
	return next, true
}

// sleep waits for a time; false: it is over before.
func (s *storm) sleep(ctx context.Context, until time.Duration, calm <-chan struct{}) bool {
	timer := time.NewTimer(until - s.journal.elapsed())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-calm:
	case <-ctx.Done():
	}
	return false
}

// mendAll brings everything back, as soon as what was told to stop has stopped.
func (s *storm) mendAll(ctx context.Context) {
	s.repairs = nil
	for _, m := range s.cluster.members {
		m.resume()
		m.mend()
		s.restart(m)
	}
	for len(s.repairs) > 0 {
		next, _ := s.nextRepair(nil)
		if !s.sleep(ctx, next.at, nil) {
			return
		}
		next.do()
	}
	s.journal.note("all is mended")
}

func (s *storm) later(wait time.Duration, do func()) {
	s.repairs = append(s.repairs, repair{s.journal.elapsed() + wait, do})
}

// do does a fault to one of those to whom it may be done, if there is one.
func (s *storm) do(f Fault) {
	if f.Kind == KillAll {
		s.killAll(f)
		return
	}
	victims := s.victims(f.Kind)
	if len(victims) == 0 {
		s.journal.note("%s: there is nobody", f)
		return
	}
	m := victims[f.Pick%len(victims)]
	s.journal.fault(f.Kind, "%s: %s", f, m.life)
	switch f.Kind {
	case KillWorker, KillLeader, KillStandby, KillBus:
		m.kill()
		s.later(f.For, func() { s.restart(m) })
	case PauseWorker, PauseWorkerLong, PauseLeader, PauseBus:
		m.pause()
		s.later(f.For, func() { s.resume(m) })
	case StopWorker, StopCoordinator, StopBus:
		m.tell()
		s.later(f.For, func() { s.restart(m) })
	case Cut, CutAnswers, Sever:
		m.sever(f.Kind)
		s.later(f.For, func() { s.heal(m) })
	}
}

// victims are those to whom a kind of fault may be done: who is down already is none.
func (s *storm) victims(kind Kind) []*member {
	var all []*member
	switch kind {
	case KillWorker, PauseWorker, PauseWorkerLong, StopWorker:
		all = s.cluster.of(worker)
	case KillLeader, PauseLeader:
		all = only(s.cluster.last(decides))
	case KillStandby:
		leader := s.cluster.last(decides)
		all = slices.DeleteFunc(s.cluster.of(coordinator), func(m *member) bool { return m == leader })
	case StopCoordinator:
		all = s.cluster.of(coordinator)
	case KillBus, PauseBus, StopBus:
		if all = s.cluster.of(busServer); s.cluster.topology == Hosted {
			all = only(s.cluster.last(hosts))
		}
	case Cut, CutAnswers, Sever:
		all = slices.DeleteFunc(slices.Clone(s.cluster.members), func(m *member) bool { return len(m.proxies) == 0 })
	}
	return slices.DeleteFunc(all, func(m *member) bool { return !m.well() })
}

// only is a member, if there is one.
func only(m *member) []*member {
	if m == nil {
		return nil
	}
	return []*member{m}
}

// killAll kills everything, and starts it again one after the other.
func (s *storm) killAll(f Fault) {
	s.journal.fault(f.Kind, "%s", f)
	for i, m := range s.cluster.members {
		m.kill()
		s.later(f.For+time.Duration(i*f.Pick)*20*time.Millisecond, func() { s.restart(m) })
	}
}

// restart begins another life of a member that has none.
func (s *storm) restart(m *member) {
	switch {
	case m.lives():
		return
	case m.life != nil && !m.stopped():
		s.later(again, func() { s.restart(m) })
		return
	}
	if err := m.start(); err != nil {
		s.journal.complain("%v", err)
		return
	}
	s.journal.note("started %s", m.life)
}

func (s *storm) resume(m *member) {
	if m.paused {
		m.resume()
		s.journal.note("resumed %s", m.life)
	}
}

func (s *storm) heal(m *member) {
	if m.cut {
		m.mend()
		s.journal.note("healed the cable of %s", m.name)
	}
}
