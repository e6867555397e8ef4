package coordinator_test

import (
	"slices"
	"testing"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// quick is the commit of a map that took a tenth of a second.
func quick(n int) mapreduce.Commit {
	c := committed(mapreduce.Map, n)
	c.Took = 100 * time.Millisecond
	return c
}

// since is a heartbeat of a worker that has been running a map for so long, by its own clock, which is wrong.
func since(worker mapreduce.WorkerID, n int, age time.Duration) mapreduce.Beat {
	b := beat(worker, task(mapreduce.Map, n))
	b.At = time.Unix(77, 0)
	b.Running[0].Since = b.At.Add(-age)
	return b
}

// straggling is a scene in which two of three maps took a tenth of a second, and the third runs on w1 for so long. Nothing
// else is to be done.
func straggling(t *testing.T, age time.Duration) *scene {
	s := mapping(t, coordinator.Config{}, 3)
	s.play(quick(0), quick(1), since("w1", 2, age))
	return s
}

// copies is the tasks that are queued once more on a tick.
func (s *scene) copies() (copies []mapreduce.Task) {
	s.t.Helper()
	for _, command := range s.state.Step(s.now, mapreduce.Tick{}) {
		if enqueue, ok := command.(coordinator.Enqueue); ok {
			for _, task := range enqueue.Tasks {
				if !task.Speculative {
					s.t.Errorf("%s is queued, and is no copy", short(task.ID))
				}
				s.seq++
				s.state.Step(s.now, mapreduce.TaskQueued{Task: task.ID, Round: task.Round, Seq: s.seq})
				copies = append(copies, task)
			}
		}
	}
	return copies
}

func TestStragglerIsQueuedOnceMoreForOthers(t *testing.T) {
	s := straggling(t, 2*time.Second)
	s.play(beat("w2"))
	copies := s.copies()
	if len(copies) != 1 || short(copies[0].ID) != "map.2" || !slices.Equal(copies[0].Avoid, []mapreduce.WorkerID{"w1"}) {
		t.Fatalf("queued once more: %+v", copies)
	}
	if again := s.copies(); len(again) != 0 {
		t.Errorf("and again: %+v", again)
	}
	s.on(quick(2), `
		withdraw [4 5]
		dismiss map.2
		record reducing
		tell u1 reducing
		enqueue reduce.0 reduce.1`)
}

func TestCopyCountsAsSpeculative(t *testing.T) {
	s := straggling(t, 2*time.Second)
	s.play(beat("w2"))
	s.copies()
	for _, command := range s.state.Step(s.now, mapreduce.Tick{}) {
		if tell, ok := command.(coordinator.Tell); ok && tell.Status.Attempts.Speculative != 1 {
			t.Errorf("%d speculative attempts", tell.Status.Attempts.Speculative)
		}
	}
}

func TestNoCopyWithoutNeed(t *testing.T) {
	for name, scene := range map[string]func(t *testing.T) *scene{
		"it has not run for a second": func(t *testing.T) *scene {
			s := straggling(t, 900*time.Millisecond)
			s.play(beat("w2"))
			return s
		},
		"nobody else is there": func(t *testing.T) *scene { return straggling(t, time.Minute) },
		"all others are busy": func(t *testing.T) *scene {
			s := straggling(t, time.Minute)
			other := task(mapreduce.Map, 0)
			other.UID = "u9"
			s.play(beat("w2", other))
			return s
		},
		"too few are done to tell": func(t *testing.T) *scene {
			s := mapping(t, coordinator.Config{}, 3)
			s.play(quick(0), since("w1", 2, time.Minute), beat("w2"))
			return s
		},
		"all take so long": func(t *testing.T) *scene {
			s := mapping(t, coordinator.Config{}, 3)
			slow := quick(0)
			slow.Took = 30 * time.Second
			other := quick(1)
			other.Took = 30 * time.Second
			s.play(slow, other, since("w1", 2, time.Minute), beat("w2"))
			return s
		},
		"other tasks wait": func(t *testing.T) *scene {
			s := mapping(t, coordinator.Config{MinWindow: 1}, 20)
			for n := range 12 {
				s.play(quick(n))
			}
			s.play(since("w1", 12, time.Minute), beat("w2"))
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := scene(t)
			s.now = s.now.Add(time.Millisecond)
			for _, command := range s.state.Step(s.now, mapreduce.Tick{}) {
				if enqueue, ok := command.(coordinator.Enqueue); ok && enqueue.Tasks[0].Speculative {
					t.Errorf("%s is queued once more", short(enqueue.Tasks[0].ID))
				}
			}
		})
	}
}

func TestOneTenthOfTheRunningTasksIsQueuedOnceMoreAtMost(t *testing.T) {
	for running, most := range map[int]int{5: 1, 19: 1, 20: 2, 35: 3} {
		s := mapping(t, coordinator.Config{MinWindow: 200}, 100)
		for n := range 100 - running {
			s.play(quick(n))
		}
		var all []mapreduce.TaskID
		for n := 100 - running; n < 100; n++ {
			all = append(all, task(mapreduce.Map, n))
		}
		b := beat("w1", all...)
		b.At = time.Unix(9999, 0)
		s.play(b, beat("w2"))
		if copies := s.copies(); len(copies) != most {
			t.Errorf("of %d running tasks %d are queued once more", running, len(copies))
		}
	}
}

func TestCopyThatFailsMayBeFollowedByAnother(t *testing.T) {
	s := straggling(t, 2*time.Second)
	s.play(beat("w2"))
	s.copies()
	s.play(failed(mapreduce.Map, 2, 1))
	if again := s.copies(); len(again) != 1 {
		t.Errorf("queued once more: %+v", again)
	}
}
