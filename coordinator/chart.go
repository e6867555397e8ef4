package coordinator

import (
	"cmp"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// chart is what is kept of how the attempts of a job went: exact counts and sums, and of single attempts as many as a picture has room
// for. Nothing is decided by it. What an attempt took comes from its record, so that a coordinator that takes over knows it too; what
// runs, the heartbeats say, and nobody writes it down.
//
//	committed, and of the usual kind ─▶ the slowest 200 ─▶ who is not among them: an even part
//	failed, lost, beaten, speculative ───────────────────▶ an even part, and as long as they are few, all
type chart struct {
	courses    map[mapreduce.Phase]*course
	workers    map[mapreduce.WorkerID]*share
	partitions heap[mapreduce.PartitionSize] // the largest
	earlier    bool                          // an earlier leader has seen some of it
}

// course is how the attempts of one phase went, of all generations.
type course struct {
	committed, failed, lost, beaten, speculative int

	revived      int       // of the lost ones, so many have been committed after all
	began, ended time.Time // of the first attempt, of the last commit
	took         sketch    // of committed ones
	slowest      heap[trial]
	usual        sample
	odd          sample
}

// trial is one attempt that has ended.
type trial struct {
	n           int
	generation  mapreduce.Generation
	attempt     mapreduce.Attempt
	ended       time.Time
	took        time.Duration
	outcome     mapreduce.Outcome
	speculative bool
	reason      string
}

// share is what one worker has done.
type share struct {
	host      string
	committed int
	took      time.Duration
}

// Bounds of a chart.
const (
	maxSlowest = 200
	maxSample  = mapreduce.MaxTimeline
	maxShares  = 1 << 14 // worker lives; of others nothing is kept
	maxReason  = 500     // bytes
)

func (j *job) charted() *chart {
	if j.chart == nil {
		j.chart = &chart{
			courses: map[mapreduce.Phase]*course{}, workers: map[mapreduce.WorkerID]*share{},
			partitions: heap[mapreduce.PartitionSize]{most: mapreduce.MaxTimelinePartition, less: smaller},
		}
	}
	return j.chart
}

// inherited notes that an earlier leader has seen some of what an unswept job did.
func (j *job) inherited() {
	if !j.swept {
		j.charted().earlier = true
	}
}

// course is that of a phase.
func (c *chart) course(p mapreduce.Phase) *course {
	of := c.courses[p]
	if of == nil {
		of = &course{slowest: heap[trial]{most: maxSlowest, less: faster}}
		c.courses[p] = of
	}
	return of
}

func smaller(a, b mapreduce.PartitionSize) bool { return a.Records < b.Records }

func faster(a, b trial) bool { return a.took < b.took }

// chartCommit takes in a committed attempt.
func (s *State) chartCommit(j *job, c mapreduce.Commit, tried *task) {
	chart := j.charted()
	of := chart.course(c.Task.Phase)
	if of.committed++; tried != nil && tried.ended[c.Attempt] {
		of.revive(c.Attempt)
	}
	of.took.add(c.Took)
	chart.share(s, c)
	if c.Task.Phase == mapreduce.Reduce && c.Task.Generation == firstGeneration {
		chart.partitions.offer(mapreduce.PartitionSize{
			Partition: c.Task.N, Records: c.Counts.Records, Groups: c.Counts.Groups, Rows: c.Counts.Rows,
		})
	}
	if ended, known := s.moment(time.UnixMilli(c.Ended), c.Ended == 0); known {
		of.commit(c, ended)
	}
}

// commit takes in a committed attempt of which it is known when it ended.
func (c *course) commit(commit mapreduce.Commit, ended time.Time) {
	c.start(ended.Add(-commit.Took))
	if ended.After(c.ended) {
		c.ended = ended
	}
	t := trial{
		n: commit.Task.N, generation: commit.Task.Generation, attempt: commit.Attempt, ended: ended, took: commit.Took,
		outcome: mapreduce.OutcomeCommitted, speculative: commit.Speculative,
	}
	if t.speculative {
		c.odd.offer(t)
	} else if other, pushed := c.slowest.offer(t); pushed {
		c.usual.offer(other)
	}
}

// revive takes back that an attempt was lost, which went on and has won: it is shown once.
func (c *course) revive(attempt mapreduce.Attempt) {
	c.revived++
	c.odd.kept = slices.DeleteFunc(c.odd.kept, func(t trial) bool { return t.attempt == attempt })
}

// moment is when something ended, as its record says, or now, of one that does not say. What has been replayed then may have ended at
// any time.
func (s *State) moment(at time.Time, silent bool) (time.Time, bool) {
	if silent {
		return s.now.UTC(), s.leading
	}
	return at.UTC(), true
}

// start notes when an attempt began.
func (c *course) start(began time.Time) {
	if c.began.IsZero() || began.Before(c.began) {
		c.began = began
	}
}

// share counts a commit for its worker.
func (c *chart) share(s *State, commit mapreduce.Commit) {
	of := c.workers[commit.Attempt.Worker]
	if of == nil {
		if len(c.workers) == maxShares {
			return
		}
		of = &share{}
		if m := s.workers[commit.Attempt.Worker]; m != nil {
			of.host = m.beat.Host
		}
		c.workers[commit.Attempt.Worker] = of
	}
	of.committed++
	of.took += commit.Took
}

// chartFailure takes in an attempt that failed or was lost, as status counts them.
func (s *State) chartFailure(j *job, f mapreduce.Failure) {
	of := j.charted().course(f.Task.Phase)
	outcome := mapreduce.OutcomeFailed
	if innocent(f) {
		outcome = mapreduce.OutcomeLost
		of.lost++
	} else {
		of.failed++
	}
	ended, known := s.moment(f.At, f.At.IsZero())
	if !known {
		return
	}
	of.start(ended.Add(-f.Took))
	of.odd.offer(trial{
		n: f.Task.N, generation: f.Task.Generation, attempt: f.Attempt, ended: ended, took: f.Took, outcome: outcome,
		speculative: f.Speculative, reason: mapreduce.Abridge(f.Reason, maxReason),
	})
}

// chartGone takes in that a worker no longer names attempts which it named before: those whose tasks somebody else has committed, have
// been beaten. Of others a record has come or will come, or they were handed back.
func (s *State) chartGone(before, now []mapreduce.Running) {
	named := make(map[mapreduce.Attempt]bool, len(now))
	for _, r := range now {
		named[r.Attempt] = true
	}
	for _, r := range before {
		if named[r.Attempt] {
			continue
		}
		if j, p := s.find(r.Task); p != nil && p.committed(r.Task.N) {
			s.chartBeaten(j, p, r)
		}
	}
}

// chartBeaten takes in an attempt that ended for nothing, unless it is known how it ended.
func (s *State) chartBeaten(j *job, p *phase, r mapreduce.Running) {
	at := p.position(r.Task.N)
	if at < 0 || p.winners[at] == r.Attempt || s.ended(r) {
		return
	}
	of := j.charted().course(p.name)
	if slices.ContainsFunc(of.odd.kept, func(t trial) bool { return t.attempt == r.Attempt }) {
		return // a heartbeat came late, or the record of its failure came before
	}
	of.beaten++
	of.odd.offer(trial{
		n: r.Task.N, generation: r.Task.Generation, attempt: r.Attempt, ended: s.now.UTC(), took: max(0, s.now.Sub(r.Since)),
		outcome: mapreduce.OutcomeBeaten, speculative: r.Speculative,
	})
}

// chartEnd takes in that a job has ended: what is still run for it is for nothing.
func (s *State) chartEnd(j *job) {
	for _, r := range s.runningOf(j) {
		if p := j.phase(r.Task); p != nil {
			s.chartBeaten(j, p, r)
		}
	}
}

// runningOf is the attempts of a job that workers name, by name.
func (s *State) runningOf(j *job) (running []mapreduce.Running) {
	for _, m := range s.workers {
		for _, r := range m.beat.Running {
			if r.Task.UID == j.uid {
				running = append(running, r)
			}
		}
	}
	slices.SortFunc(running, func(a, b mapreduce.Running) int {
		return cmp.Or(cmp.Compare(a.Attempt.Worker, b.Attempt.Worker), cmp.Compare(a.Attempt.N, b.Attempt.N))
	})
	return running
}
