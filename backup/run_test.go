package backup_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"jetreduce/backup"
	"jetreduce/mapreduce"
)

// inBubble plays a scene, and then stops everybody.
func inBubble(t *testing.T, play func(t *testing.T, s *scene)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { play(t, newScene(t)) })
}

// three starts three alike, and returns them with the one that leads.
func three(s *scene) (all map[string]*process, leader *process) {
	s.t.Helper()
	all = map[string]*process{}
	for _, name := range []string{"a", "b", "c"} {
		all[name] = s.start(name, nil)
	}
	pass(10 * time.Millisecond)
	return all, all[s.leader().process]
}

func TestFirstElectionIsWonByOneAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		three(s) // a few round trips have passed
		pass(time.Minute)
		if got := s.leader(); got.epoch != 1 || len(s.view().reigns) != 1 {
			t.Errorf("epoch %d leads, the %d. to do so: a leader that renews is left alone", got.epoch, len(s.view().reigns))
		}
	})
}

func TestSilentLeaderIsReplacedWithinTwoSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		_, old := three(s)
		pass(10 * time.Second)
		old.change(func() { old.dead = true })
		killed := time.Now()
		pass(2 * time.Second)
		if len(s.view().reigns) != 2 {
			t.Fatalf("%d have led, want the old one and one other", len(s.view().reigns))
		}
		if after := s.view().reigns[1].from.Sub(killed); after < 750*time.Millisecond {
			t.Errorf("replaced after %s: that is no silence", after)
		}
		pass(time.Minute)
		if len(s.view().reigns) != 2 {
			t.Errorf("%d have led", len(s.view().reigns))
		}
	})
}

func TestReleasedLeaseIsTakenAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		_, old := three(s)
		pass(10*time.Second + 100*time.Millisecond)
		old.cancel()
		pass(300 * time.Millisecond)
		if got := s.leader(); got.process == old.name {
			t.Error("the one that was stopped leads")
		}
		if err := old.stop(); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

// Also a leader goes on while nothing is answered.
func TestBusThatIsAwayIsNotASilentLeader(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		three(s)
		for range 20 {
			s.setAway(true)
			pass(10 * time.Second)
			s.setAway(false)
			pass(700 * time.Millisecond) // a renewal that was given no answer is given up by now, and the next one made
		}
		pass(time.Minute)
		if got := s.leader(); got.epoch != 1 {
			t.Errorf("epoch %d leads: the bus was away, not the leader", got.epoch)
		}
	})
}

// As when a laptop sleeps: standby and leader wake together, and the standby is faster.
func TestPauseOfTheStandbyIsNotSilenceOfTheLeader(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		all, leader := three(s)
		pass(10 * time.Second)
		for _, p := range all {
			p.change(func() { p.paused = 5 * time.Second })
		}
		leader.change(func() { leader.paused = 5300 * time.Millisecond })
		pass(time.Second) // all are in a call
		for _, p := range all {
			p.change(func() { p.paused = 0 })
		}
		pass(time.Minute)
		if got := s.leader(); got.epoch != 1 {
			t.Errorf("epoch %d leads: everybody was paused", got.epoch)
		}
	})
}

func TestDeposedLeaderEndsItsWorkAndStandsBy(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		p := s.start("a", func(p *process, _ *backup.Config) { p.slowEnd = 3 * time.Second })
		pass(time.Second + time.Millisecond)
		s.usurp()
		pass(300*time.Millisecond + p.slowEnd)
		if first := s.view().reigns[0]; !first.over || !errors.Is(first.cause, mapreduce.ErrDeposed) {
			t.Errorf("over: %t, cause: %v; want %v", first.over, first.cause, mapreduce.ErrDeposed)
		}
		if slices.Contains(p.did(), "released") {
			t.Error("it released the lease of another")
		}
		pass(time.Minute) // the usurper is silent
		if got := s.leader(); got.epoch <= 2 || got.from.Before(s.view().reigns[0].to) {
			t.Errorf("epoch %d leads since %s, the first ended at %s", got.epoch, got.from, s.view().reigns[0].to)
		}
	})
}

func TestBackupWaitsForTheFirstLeader(t *testing.T) {
	for _, tc := range []struct {
		name string
		play func(s *scene)
		want time.Duration // after which it leads; 0: never
	}{
		{"nobody comes", func(*scene) {}, 5 * time.Second},
		{"one comes in time", func(s *scene) {
			pass(3 * time.Second)
			s.start("coordinator", nil)
		}, 0},
		{"the bus was away", func(s *scene) {
			pass(3 * time.Second)
			s.setAway(true)
			pass(10*time.Second - 10*time.Millisecond)
			s.setAway(false)
		}, 18 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *scene) {
				began := time.Now()
				s.start("backup", func(_ *process, c *backup.Config) { c.FirstWait = 5 * time.Second })
				tc.play(s)
				pass(time.Minute)
				switch got := s.leader(); {
				case tc.want == 0 && got.process == "backup":
					t.Errorf("it leads since %s", got.from.Sub(began))
				case tc.want > 0 && (got.from.Sub(began) < tc.want || got.from.Sub(began) > tc.want+500*time.Millisecond):
					t.Errorf("it leads since %s, want %s", got.from.Sub(began), tc.want)
				}
			})
		})
	}
}

func TestLeaderThatResignsLetsAnotherBeFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		s.start("ill", func(p *process, _ *backup.Config) { p.refuses = errors.New("cannot read a record") })
		pass(100 * time.Millisecond)
		s.start("well", nil)
		pass(time.Minute)
		if got := s.leader(); got.process != "well" || len(s.view().reigns) != 2 {
			t.Errorf("%s leads, the %d. to do so", got.process, len(s.view().reigns))
		}
	})
}

// It is alone: it must not stay away, and it must not spin.
func TestLeaderThatResignedCompetesAgainAfterARest(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		s.start("ill", func(p *process, _ *backup.Config) { p.refuses = errors.New("cannot read a record") })
		pass(9 * time.Second)
		if len(s.view().reigns) != 5 {
			t.Errorf("led %d times in 9 s, want one each 2 s", len(s.view().reigns))
		}
	})
}

func TestPermanentErrorEndsRunAndReleases(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		p := s.start("a", func(p *process, _ *backup.Config) { p.refuses = mapreduce.Permanentf("cannot ever lead") })
		<-p.ended
		if err := p.result; !mapreduce.IsPermanent(err) {
			t.Errorf("Run returned %v", err)
		}
		if !s.view().standing.Released || s.view().probes > 0 {
			t.Errorf("left behind: %+v, probes %d", s.view().standing, s.view().probes)
		}
	})
}

// A permanent refusal that says "another leads" is a deposition all the same.
func TestDepositionThatLeadReportsIsNotAnError(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		p := s.start("a", func(p *process, _ *backup.Config) {
			p.refuses = mapreduce.Permanent(fmt.Errorf("write record: %w", mapreduce.ErrDeposed))
		})
		pass(500 * time.Millisecond)
		select {
		case <-p.ended:
			t.Errorf("Run returned %v", p.result)
		default:
		}
		if slices.Contains(p.did(), "released") {
			t.Error("it released the lease of another")
		}
	})
}

func TestStoppedLeaderReleasesAfterItsWorkHasEnded(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		p := s.start("a", func(p *process, _ *backup.Config) { p.slowEnd = 3 * time.Second })
		pass(10 * time.Millisecond)
		if err := p.stop(); err != nil {
			t.Errorf("Run returned %v", err)
		}
		if want := []string{"lead returned", "released"}; !slices.Equal(p.did(), want) {
			t.Errorf("%v, want %v", p.noted, want)
		}
		if !s.view().standing.Released || s.view().probes > 0 {
			t.Errorf("left behind: %+v, probes %d", s.view().standing, s.view().probes)
		}
	})
}

func TestLeadThatHasNothingMoreToDoEndsRun(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		p := s.start("a", func(p *process, _ *backup.Config) { p.idle = true })
		<-p.ended
		if p.result != nil || !s.view().standing.Released {
			t.Errorf("Run returned %v, and left %+v", p.result, s.view().standing)
		}
	})
}

func TestStopDoesNotWaitForABusThatIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		p := s.start("a", nil)
		pass(time.Second)
		s.setAway(true)
		began := time.Now()
		if err := p.stop(); err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("Run returned %v after %s", err, time.Since(began))
		}
	})
}

// The answer to a takeover is lost: an epoch stands that nobody holds, and it is replaced like any other.
func TestEpochThatNobodyHoldsIsReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scene) {
		p := s.start("a", func(p *process, _ *backup.Config) { p.lossy = true })
		pass(500 * time.Millisecond)
		if len(s.view().reigns) != 0 || s.view().standing.Holder != p.name {
			t.Fatalf("%d lead, %+v stands", len(s.view().reigns), s.view().standing)
		}
		pass(time.Second)
		if got := s.leader(); got.epoch != 2 {
			t.Errorf("epoch %d leads, want 2", got.epoch)
		}
	})
}

// Whatever happened, when it is over one leads, and those who believed that they do have been told.
func TestAfterAnyTroubleExactlyOneLeads(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *scene) {
				random := rand.New(rand.NewPCG(seed, 0))
				all, _ := three(s)
				for range 50 {
					trouble(s, random, all)
					pass(time.Duration(random.IntN(2500)) * time.Millisecond)
				}
				s.setAway(false)
				for _, p := range all {
					p.change(func() { p.dead, p.paused, p.lossy = false, 0, false })
				}
				pass(5 * time.Second)
				if got := s.leader(); got.epoch != s.view().standing.Epoch {
					t.Errorf("epoch %d leads, %d stands", got.epoch, s.view().standing.Epoch)
				}
			})
		})
	}
}

// trouble lets something happen, or end, to a process or the bus.
func trouble(s *scene, random *rand.Rand, all map[string]*process) {
	p := all[[]string{"a", "b", "c"}[random.IntN(3)]]
	switch random.IntN(5) {
	case 0:
		s.setAway(random.IntN(3) == 0)
	case 1:
		s.usurp()
	case 2:
		p.change(func() { p.dead = !p.dead })
	case 3:
		p.change(func() { p.paused = time.Duration(random.IntN(2000)) * time.Millisecond })
	case 4:
		p.change(func() { p.lossy, p.paused = true, 0 })
	}
}
