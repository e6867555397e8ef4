package coordinator

import (
	"slices"
	"sort"

	"jetreduce/mapreduce"
)

// release fills the job's window: a bounded number of its tasks stands in the queue, so that a huge job delays a small
// one by a window at most, and the queue stays short.
func (s *State) release(j *job) {
	p := j.running()
	if p == nil || j.doom != "" || s.now.Before(j.resume) || len(s.workers) == 0 {
		return // without a worker nothing could run, and how wide to cut the work is not known
	}
	room := max(s.config.MinWindow, 3*s.slots()) - p.inQueue()
	held := s.held()
	var tasks []mapreduce.Task
	for _, n := range p.ready(room) {
		if held[j.task(p.name, n)] { // after a takeover: queued by an earlier leader, and running
			t := p.task(n)
			t.queued, t.missing = true, false
			continue
		}
		tasks = append(tasks, s.queue(j, p, n))
	}
	if len(tasks) > 0 {
		s.do(Enqueue{tasks})
	}
}

// ready picks up to room tasks to queue: those tried before first, then new ones in order.
func (p *phase) ready(room int) []int {
	var picked []int
	for n, t := range p.tasks {
		if !t.queued && n < p.next {
			picked = append(picked, n)
		}
	}
	slices.Sort(picked) // maps have no order, and Step must be deterministic
	picked = picked[:min(len(picked), max(room, 0))]
	for len(picked) < room && p.next < p.total {
		if !p.committed(p.next) {
			picked = append(picked, p.next)
		}
		p.next++
	}
	return picked
}

// queue makes the task's message, with references to all that its worker needs.
func (s *State) queue(j *job, p *phase, n int) mapreduce.Task {
	t := p.task(n)
	t.queued, t.missing, t.seq = true, false, 0
	t.round++
	task := mapreduce.Task{
		Version: mapreduce.RecordVersion, ID: j.task(p.name, n), Job: j.spec.ID, Epoch: s.config.Epoch, Round: t.round,
		Pool: mapreduce.DefaultPool, Class: s.class(p.name), Program: j.spec.Program, Args: j.spec.Args,
	}
	switch p.name {
	case mapreduce.Plan:
		task.Inputs, task.SplitSize, task.Slots = j.spec.Inputs, j.spec.SplitSize, max(1, s.slots())
	case mapreduce.Map:
		task.Split, task.Reduces = j.split(n), j.reduces
	case mapreduce.Reduce:
		task.Roster, task.Target = s.roster(j, mapreduce.Map), &j.spec.Output
	case mapreduce.Finish:
		task.Roster, task.Target = s.roster(j, mapreduce.Reduce), &j.spec.Output
		task.Decided = j.end != nil && j.end.State == mapreduce.Done
	}
	return task
}

func (s *State) class(p mapreduce.Phase) mapreduce.Class {
	if p == mapreduce.Plan || p == mapreduce.Finish {
		return mapreduce.IO
	}
	return s.config.Class
}

// split says where the plan keeps split n.
func (j *job) split(n int) *mapreduce.PlanRef {
	chunk := sort.SearchInts(j.plan.Firsts, n+1) - 1
	return &mapreduce.PlanRef{
		Plan: j.task(mapreduce.Plan, 0), Attempt: j.planner, Chunk: chunk, Index: n - j.plan.Firsts[chunk],
	}
}

// roster names the winners of a complete phase: in the task when they are few, else stored once and referred to.
func (s *State) roster(j *job, of mapreduce.Phase) *mapreduce.RosterRef {
	p := j.phases[of]
	if p.roster != nil {
		return p.roster
	}
	packed := p.winners.Encode()
	p.roster = &mapreduce.RosterRef{Tasks: p.total}
	if len(packed) <= s.config.RosterInline {
		p.roster.Inline = packed
		return p.roster
	}
	p.roster.Stored = j.task(of, 0)
	chunks := slices.Collect(slices.Chunk(packed, mapreduce.MaxMessage/2))
	p.roster.Chunks = len(chunks)
	s.do(StoreRoster{p.roster.Stored, chunks})
	return p.roster
}

// queued notes where in the queue a task stands.
func (s *State) queued(e mapreduce.TaskQueued) {
	if _, p := s.find(e.Task); p != nil {
		if t := p.tasks[e.Task.N]; t != nil && t.round == e.Round {
			t.seq = e.Seq
		}
	}
}

// withdraw takes the job's tasks out of the queue, as far as it is known where they stand.
func (s *State) withdraw(j *job) {
	var seqs []uint64
	for _, p := range j.phases {
		for _, t := range p.tasks {
			if t.queued && t.seq > 0 {
				seqs = append(seqs, t.seq)
			}
		}
	}
	if len(seqs) > 0 {
		slices.Sort(seqs)
		s.do(Withdraw{seqs})
	}
}
