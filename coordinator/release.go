package coordinator

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"jetreduce/mapreduce"
)

// release fills the job's window: a bounded number of its tasks stands in the queue, so that a huge job delays a small
// one by a window at most, and the queue stays short. It is filled in parts: what a thousand workers run need not be
// looked at for each commit, and tasks that are queued together cost the bus less. Meanwhile nobody waits, since nearly
// three tasks a slot are in the queue.
func (s *State) release(j *job) {
	if j.doom != "" || s.now.Before(j.resume) || s.now.Before(j.stepped.Add(s.config.Resettle)) || s.crews[j.pool()] == 0 {
		return // without a worker nothing could run, and how wide to cut the work is not known
	}
	window := s.window(j)
	room := window - j.inQueue()
	if room < window/s.config.Refill && s.now.Before(j.filled.Add(refillEvery)) {
		return
	}
	j.filled, room = s.now, min(room, s.config.Portion)
	for _, p := range j.active() {
		if s.yields(j, s.line(j, p.name)) {
			continue
		}
		tasks := s.pick(j, p, room)
		if room -= len(tasks); len(tasks) > 0 {
			s.do(Enqueue{tasks})
		}
	}
}

// window is how many tasks of a job may stand in the queue: enough for the slots, and when tasks are short, for the time until it
// is filled again.
func (s *State) window(j *job) int {
	slots := s.slotsFor(j)
	window := max(s.config.MinWindow, 3*slots)
	if p := j.running(); p != nil && p.pace > 0 {
		window = max(window, min(slots*int(refillEvery/p.pace), s.config.MaxWindow))
	}
	return window
}

// refillEvery: a window with any room at all is filled when this has passed.
const refillEvery = 250 * time.Millisecond

// pick makes the messages of the tasks that are to be queued.
func (s *State) pick(j *job, p *phase, room int) []mapreduce.Task {
	var tasks []mapreduce.Task
	for _, n := range p.ready(room, func(n int) bool { return j.heldBack(p.name, n) }) {
		switch {
		case j.queuedBefore(p, n) && s.held(j.task(p, n)): // mostly after a takeover: queued by an earlier leader, and running
			t := p.task(n)
			p.mark(t, true)
			t.missing, t.since = false, s.now
		case s.nowhere(p.task(n), s.line(j, p.name)):
			j.giveUp(p.tasks[n].lacks)
			return nil
		default:
			tasks = append(tasks, s.queue(j, p, n))
		}
	}
	return tasks
}

// queuedBefore reports whether a task may have been queued before, by this leader or an earlier one. Of most it is known that
// nobody has, and who runs what need not be looked at.
func (j *job) queuedBefore(p *phase, n int) bool {
	t := p.tasks[n]
	return !j.resume.IsZero() || t != nil && t.rounds > 0
}

// nowhere reports whether no worker that is there, and could run the task, has its input.
func (s *State) nowhere(t *task, l line) bool {
	if len(t.absent) == 0 {
		return false
	}
	for id, m := range s.workers {
		able := m.pool() == l.pool && (l.class == mapreduce.IO || m.beat.Slots[l.class] > 0)
		if _, absent := t.absent[id]; !absent && able {
			return false
		}
	}
	return true
}

// avoid counts how long tasks stand in the queue that no worker takes, and dooms the job when that is too long: whoever had
// the input when they were queued is gone. A worker that is restarted gets the time to come back.
func (s *State) avoid(j *job) {
	for _, p := range j.active() {
		for _, n := range p.shunned() {
			t := p.tasks[n]
			if t.avoided++; !t.queued || s.crews[j.pool()] == 0 || !s.nowhere(t, s.line(j, p.name)) {
				t.avoided = 0
			}
			if t.avoided > 4*s.config.WorkerSilent {
				j.giveUp(t.lacks)
			}
		}
	}
}

// shunned is the tasks that some worker cannot do, in order: few of those that are in the queue.
func (p *phase) shunned() (shunned []int) {
	for n, t := range p.tasks {
		if len(t.absent) > 0 {
			shunned = append(shunned, n)
		}
	}
	slices.Sort(shunned)
	return shunned
}

// queue makes the task's message, with references to all that its worker needs.
func (s *State) queue(j *job, p *phase, n int) mapreduce.Task {
	t := p.enter(n, s.now)
	task := mapreduce.Task{
		Version: mapreduce.RecordVersion, ID: j.task(p, n), Job: j.spec.ID, Epoch: s.config.Epoch, Round: t.round,
		Pool: j.pool(), Class: s.class(j, p.name), Program: j.spec.Program, Args: j.spec.Args, Moves: j.moves(p),
		MapOnly: j.spec.MapOnly,
	}
	if j.spec.Map != "" {
		task.Commands = &j.spec.Commands
	}
	for id := range t.absent {
		task.Avoid = append(task.Avoid, id)
	}
	slices.Sort(task.Avoid)
	s.refine(&task, j, p, n)
	return task
}

// refine adds what only tasks of this phase need.
func (s *State) refine(task *mapreduce.Task, j *job, p *phase, n int) {
	if p.name != mapreduce.Map || j.spec.MapOnly { // a plan looks what stands there before the work; with maps only its order is theirs
		task.Target = &j.spec.Output
	}
	if p.name == mapreduce.Map || p.name == mapreduce.Reduce {
		task.Files = j.plan.Files
	}
	switch p.name {
	case mapreduce.Plan:
		task.Inputs, task.SplitSize, task.Slots = j.spec.Inputs, j.spec.SplitSize, max(1, s.slotsFor(j))
		task.Blob, task.Records, task.Ship = j.spec.Blob, j.spec.Records, j.spec.Files
	case mapreduce.Map:
		task.Split, task.Reduces, task.Partitions = j.split(n), j.reduces, j.partitions(p)
		task.Careful, task.SkipBad = s.careful(j, p, n)
		task.Records = j.spec.Records
	case mapreduce.Reduce, mapreduce.Finish:
		task.Roster, task.Lanes = s.roster(j, p.name, n)
		task.Decided = j.end != nil && j.end.State == mapreduce.Done
	}
}

// takesSlot reports whether a task takes a slot of a class. The slots of all classes but io are the same.
func takesSlot(p mapreduce.Phase, class mapreduce.Class) bool {
	return (p == mapreduce.Plan || p == mapreduce.Finish) == (class == mapreduce.IO)
}

// split says where the plan keeps split n.
func (j *job) split(n int) *mapreduce.PlanRef {
	chunk := sort.SearchInts(j.plan.Firsts, n+1) - 1
	return &mapreduce.PlanRef{
		Plan: j.task(j.phases[mapreduce.Plan], 0), Attempt: j.planner, Chunk: chunk, Index: n - j.plan.Firsts[chunk],
	}
}

// partitions are those that the maps of a phase publish; none means all.
func (j *job) partitions(p *phase) mapreduce.Ranges {
	for _, r := range j.repairs {
		if r.phase == p {
			return r.partitions
		}
	}
	return nil
}

// roster names the attempts whose output a reader takes, and the generations of the lanes on which it stands: the first,
// and those of all repairs that feed this reader, whose later attempts count.
func (s *State) roster(j *job, reader mapreduce.Phase, n int) (*mapreduce.RosterRef, []mapreduce.Generation) {
	p := j.phases[j.source(reader)]
	first := j.task(p, 0)
	winners, lanes := p.winners, []mapreduce.Generation(nil)
	for _, r := range j.repairs {
		if !r.feeds(reader, n) {
			continue
		}
		if lanes == nil {
			winners, lanes = slices.Clone(winners), []mapreduce.Generation{firstGeneration}
		}
		lanes = append(lanes, r.generation)
		for at, again := range r.winners {
			winners[r.number(at)] = again
		}
	}
	if lanes != nil { // this reader's own
		return s.refer(mapreduce.TaskID{UID: j.uid, Phase: p.name, N: n, Generation: lanes[len(lanes)-1]}, winners), lanes
	}
	if p.roster == nil {
		p.roster = s.refer(first, winners)
	}
	return p.roster, nil
}

// refer packs a roster: into the task when it is small, else stored under that name and referred to.
func (s *State) refer(name mapreduce.TaskID, winners mapreduce.Roster) *mapreduce.RosterRef {
	packed := winners.Encode()
	if len(packed) <= s.config.RosterInline {
		return &mapreduce.RosterRef{Tasks: len(winners), Inline: packed}
	}
	chunks := slices.Collect(slices.Chunk(packed, mapreduce.MaxMessage/2))
	s.do(StoreRoster{name, chunks})
	return &mapreduce.RosterRef{Tasks: len(winners), Stored: name, Chunks: len(chunks)}
}

// queued notes where in the queue a task stands.
func (s *State) queued(e mapreduce.TaskQueued) {
	if _, p := s.find(e.Task); p != nil {
		switch t := p.tasks[e.Task.N]; {
		case t == nil:
		case t.round == e.Round:
			t.seq = e.Seq
		case t.copy != nil && t.copy.round == e.Round:
			t.copy.seq = e.Seq
		}
	}
}

// withdraw takes the job's tasks out of the queue, as far as it is known where they stand.
func (s *State) withdraw(j *job) {
	var seqs []uint64
	for _, p := range j.all() {
		for _, t := range p.tasks {
			if t.queued && t.seq > 0 {
				seqs = append(seqs, t.seq)
			}
			if t.copy != nil && t.copy.seq > 0 {
				seqs = append(seqs, t.copy.seq)
			}
		}
	}
	s.callOff(seqs)
}

// callOff takes messages out of the queue: a portion now, the rest with the next ticks. Each costs an answer of the bus.
func (s *State) callOff(seqs []uint64) {
	if s.leading {
		slices.Sort(seqs)
		s.moot = append(s.moot, seqs...)
		s.callOffSome()
	}
}

func (s *State) callOffSome() {
	if n := min(len(s.moot), s.config.Portion); n > 0 {
		s.do(Withdraw{s.moot[:n:n]})
		s.moot = s.moot[n:]
	}
}

// name is how people call a task.
func name(id mapreduce.TaskID) string { return fmt.Sprintf("%s task %d", id.Phase, id.N) }
