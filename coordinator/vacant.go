package coordinator

import (
	"cmp"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// A job queues nothing before a worker of its pool and class has been heard of. So nothing of it waits in a queue, and it is counted apart:
// who scales workers from none, or is to be woken when none come, would not learn of it else.

// vacant notes since when a job has nobody who could do its tasks. One that is not planned yet has had nobody since it came, also
// under leaders before this one.
func (s *State) vacant(j *job) {
	switch {
	case j.state.Final() || s.slotsFor(j) > 0:
		j.vacant = time.Time{}
	case !j.vacant.IsZero():
	case j.state == mapreduce.Queued || j.state == mapreduce.Planning:
		j.vacant = j.at
	default:
		j.vacant = s.now
	}
}

// vacancies are the jobs that have nobody, by pool and class. A leader that has just taken over has not heard of anybody.
func (s *State) vacancies() []mapreduce.VacancyVitals {
	if s.now.Sub(s.began) < s.config.Resettle {
		return nil
	}
	found := map[line]*mapreduce.VacancyVitals{}
	for _, j := range s.live {
		if s.vacant(j); j.vacant.IsZero() {
			continue
		}
		l := s.line(j, mapreduce.Map)
		if found[l] == nil {
			found[l] = &mapreduce.VacancyVitals{Pool: l.pool, Class: l.class}
		}
		found[l].Jobs++
		found[l].Oldest = max(found[l].Oldest, s.now.Sub(j.vacant))
	}
	var vacancies []mapreduce.VacancyVitals
	for _, v := range found {
		vacancies = append(vacancies, *v)
	}
	slices.SortFunc(vacancies, func(a, b mapreduce.VacancyVitals) int {
		return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Class, b.Class))
	})
	return vacancies
}
