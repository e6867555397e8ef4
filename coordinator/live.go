package coordinator

import (
	"slices"

	"jetreduce/mapreduce"
)

// Of all jobs that are listed, most have ended, and nothing is done about those. The others stand apart, so that what a tick, a look at
// the queue and a commit cost does not grow with the past.

// gather finds out which of all jobs have not ended.
func (s *State) gather() {
	s.live, s.past = nil, map[mapreduce.State]int{}
	for _, j := range s.jobs {
		j.past = ""
		s.live = append(s.live, j)
	}
	s.letGo()
}

// letGo lets go of jobs that have ended since it was done last, and counts them. Only a tick does so: whoever goes through the live jobs
// may end some of them on the way.
func (s *State) letGo() {
	s.live = slices.DeleteFunc(s.live, func(j *job) bool {
		if j.state.Final() && j.state != mapreduce.Removed {
			j.past = j.state
			s.past[j.past]++
		}
		return j.state.Final()
	})
}

// uncount takes a job that is removed out of the count of those that have ended.
func (s *State) uncount(j *job) {
	if j.past != "" {
		s.past[j.past]--
		j.past = ""
	}
}

// states counts the jobs that are known, by state.
func (s *State) states() map[mapreduce.State]int {
	counts := map[mapreduce.State]int{}
	for state, n := range s.past {
		if n > 0 {
			counts[state] = n
		}
	}
	for _, j := range s.live {
		if j.state != mapreduce.Removed {
			counts[j.state]++
		}
	}
	return counts
}
