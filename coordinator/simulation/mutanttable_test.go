package simulation

// mutant is one replacement in a file of the core. The old text must be there exactly once.
type mutant struct {
	name     string
	file     string
	old, new string
	weather  string // in which it shows soon; none: the storm
}

func mutants() []mutant {
	var all []mutant
	for _, some := range [][]mutant{
		mutantsOfTakeovers(), mutantsOfTasks(), mutantsOfRepairs(), mutantsOfUsers(), mutantsOfQuarantine(), mutantsOfOperations(),
	} {
		all = append(all, some...)
	}
	return all
}

// mutantsOfTakeovers forget what a leader must know, or record, before it acts.
func mutantsOfTakeovers() []mutant {
	return []mutant{
		{name: "leads before all records are replayed", file: "step.go", old: "		s.restore(e.Record)\n", new: "		s.restore(e.Record)\n		s.lead()\n"},
		{name: "acts while it replays", file: "state.go", old: "	if s.leading {\n		s.commands", new: "	if true {\n		s.commands"},
		{name: "acts before it records", file: "state.go",
			old: "s.commands = append(s.commands, c)", new: "s.commands = append([]Command{c}, s.commands...)"},
		{name: "settles a submission before it is recorded", file: "submit.go", old: "		defer s.do(Accept{e.Seq})", new: "		s.do(Accept{e.Seq})"},
		{name: "does not listen for heartbeats after a takeover", file: "replay.go",
			old: "s.began.Add(s.config.Resettle)", new: "s.began", weather: "takeovers"},
		{name: "divides a swept job whose record comes late", file: "replay.go", old: " && j.phases != nil {", new: " {", weather: "repeats"},
		{name: "judges a job before it knows its description", file: "step.go", old: " || !j.known {", new: " {", weather: "repeats"},
	}
}

// mutantsOfTasks break what makes a task count once.
func mutantsOfTasks() []mutant {
	return []mutant{
		{name: "reduces before all maps are committed", file: "advance.go",
			old: "case !p.complete():", new: "case !p.complete() && j.state != mapreduce.Mapping:"},
		{name: "takes a second commit", file: "phase.go", old: "if at < 0 || !p.winners[at].IsZero() {", new: "if at < 0 {"},
		{name: "ignores a committed winner", file: "phase.go", old: "		case p.committed(n):\n", new: "		case false:\n"},
		{name: "queues what a live worker holds", file: "release.go", old: "case j.queuedBefore(p, n) && s.held(j.task(p, n)):", new: "case false:", weather: "takeovers"},
		{name: "takes lost for failed", file: "fail.go", old: "	case f.Lost:\n		t.losses++", new: "	case f.Lost:\n		t.failures++"},
		{name: "does not hand on the tasks of a dead worker", file: "watch.go", old: `		if r.Receipt != "" {`, new: "		if false {"},
		{name: "keeps no window", file: "release.go", old: "window - j.inQueue()", new: "window"},
		{name: "copies a reader that is held back", file: "speculate.go",
			old: " || by.elapsed <= limit || j.heldBack(p.name, n) {", new: " || by.elapsed <= limit {", weather: "stragglers"},
		{name: "does not call off the loser", file: "step.go", old: "	s.settleCopy(c.Task, t)\n", new: "	_ = t\n", weather: "stragglers"},
		{name: "dismisses a job for a task", file: "speculate.go", old: "mapreduce.Over{UID: id.UID, Task: &id}", new: "mapreduce.Over{UID: id.UID}", weather: "stragglers"},
		{name: "keeps the copy of what failed", file: "fail.go", old: "		s.dropCopy(t)\n", new: "", weather: "stragglers"},
		{name: "copies for whoever comes", file: "speculate.go",
			old: "	task.Avoid = append(task.Avoid, by)\n", new: "	_ = by\n", weather: "stragglers"},
	}
}

// mutantsOfRepairs break what is made again, and where.
func mutantsOfRepairs() []mutant {
	return []mutant{
		{name: "does not compare what a task made again", file: "step.go", old: "	s.compare(j, p, c)\n", new: "", weather: "losses"},
		{name: "repairs what is under repair", file: "repair.go",
			old: "r.feeds(f.Task.Phase, f.Task.N) && r.generation > f.Seen {", new: "r.feeds(f.Task.Phase, f.Task.N) && r.generation < 1 {"},
		{name: "repairs once only", file: "repair.go",
			old: "r.feeds(f.Task.Phase, f.Task.N) && r.generation > f.Seen {", new: "r.feeds(f.Task.Phase, f.Task.N) {"},
		{name: "reads before what was lost is made again", file: "repair.go",
			old: "if !r.complete() && r.feeds(reader, n) {", new: "if r.feeds(reader, n) && r.generation < 1 {"},
		{name: "names the first attempts to readers", file: "release.go",
			old: "			winners[r.number(at)] = again\n", new: "			_, _ = at, again\n", weather: "losses"},
		{name: "does not read lanes that were moved", file: "release.go",
			old: "		if !r.feeds(reader, n) {\n", new: "		if !r.feeds(reader, n) || len(r.numbers) == 0 {\n", weather: "outages"},
		{name: "does not say where lanes were moved", file: "release.go", old: ", Moves: j.moves(p),", new: ",", weather: "outages"},
		{name: "makes nothing again for finish alone", file: "repair.go", old: "|| len(r.partitions) == 0 }", new: "}", weather: "losses"},
		{name: "forgets that map only has lanes", file: "job.go", old: "j.reduces > 0 || j.spec.MapOnly &&", new: "j.reduces > 0 || false &&"},
		{name: "moves lanes without end", file: "move.go", old: "if s.outOfRepairs(j,", new: "if false && s.outOfRepairs(j,", weather: "outages"},
		{name: "moves lanes when all is published", file: "move.go", old: " && !j.published(of, lane.Partition) {\n", new: " {\n", weather: "outages"},
		{name: "moves lanes that nobody publishes on", file: "move.go", old: "&& !j.left(lane) &&", new: "&&", weather: "outages"},
		{name: "takes lanes that are used for those that are left", file: "move.go", old: "return lane.Generation != j", new: "return lane.Generation == j", weather: "outages"},
	}
}

// mutantsOfUsers break what users are told, and how jobs end.
func mutantsOfUsers() []mutant {
	return []mutant{
		{name: "drops lanes before the end is decided", file: "advance.go",
			old: "		s.ask(j, mapreduce.Failed, j.doom)", new: "		s.do(DropLanes{j.lanes()})\n		s.ask(j, mapreduce.Failed, j.doom)"},
		{name: "fails a job that finish has decided to be done", file: "step.go", old: "		j.doom = \"\"\n", new: "", weather: "doubles"},
		{name: "gives a result no name", file: "advance.go", old: "	if j.spec.Output.OnBus() && !j.linked {", new: "	if false {"},
		{name: "takes up an id twice", file: "submit.go", old: "	if j == nil {\n		j = s.take", new: "	if true {\n		j = s.take"},
		{name: "forgets the tombstone", file: "retire.go", old: "	s.do(WriteRecord{record})\n	s.forget(j)", new: "	if !removed {\n		s.do(WriteRecord{record})\n	}\n	s.forget(j)"},
		{name: "leaves what late attempts write for a removed job", file: "retire.go",
			old: "	if j.swept {\n		s.late", new: "	if false {\n		s.late"},
		{name: "retries under the old uid", file: "answer.go", old: "again := newJob(e.UID)", new: "again := newJob(j.uid)"},
		{name: "answers without making sure that it leads", file: "answer.go",
			old: "s.do(Answer{Reply: reply, Answer: answer})", new: "s.do(Answer{Reply: reply, Answer: answer, View: true})"},
		{name: "answers a cancel before it is decided", file: "answer.go",
			old: `		s.ask(j, mapreduce.Cancelled, "cancelled on request")`,
			new: "		j.asking = nil\n		s.answerStatus(j, reply)\n" + `		s.ask(j, mapreduce.Cancelled, "cancelled on request")`},
	}
}

// mutantsOfQuarantine break what is left out, and what is said of it.
func mutantsOfQuarantine() []mutant {
	return []mutant{
		{name: "keeps no quarantine", file: "retire.go", old: "	s.keepQuarantine(j)\n", new: ""},
		{name: "keeps one part of a quarantine", file: "quarantine.go", old: "	j.parts[part.Part] = part.Records", new: "	j.parts[0] = part.Records", weather: "repeats"},
		{name: "leaves out more than it may", file: "quarantine.go", old: "sum > j.spec.SkipBad {", new: "sum > 2*mapreduce.MaxSkipBad {"},
		{name: "gives no attempt with care", file: "quarantine.go", old: "failures >= s.config.MaxFailures-1,", new: "failures >= s.config.MaxFailures,"},
		{name: "lets failures without care be the last", file: "fail.go",
			old: "if f.Task.Phase != mapreduce.Map || f.Careful || ", new: "if true || ", weather: "doubles"},
		{name: "takes an attempt without a lane for lost", file: "fail.go",
			old: "		s.remake(j)\n", new: "		t.losses++\n		s.remake(j)\n", weather: "outages"},
		{name: "runs a poisoned map again without care", file: "quarantine.go", old: "p.generation > firstGeneration && first > 0 {", new: "p.generation > firstGeneration && first < 0 {", weather: "losses"},
	}
}

// mutantsOfOperations break who comes first, where, and how long what has ended is kept.
func mutantsOfOperations() []mutant {
	return []mutant{
		{name: "knows no priorities", file: "priority.go", old: "return s.ranked && slices", new: "return false && slices"},
		{name: "asks workers of all pools who has an input", file: "release.go", old: "able := m.pool() == l.pool && ", new: "able := ", weather: "pools"},
		{name: "drops a queue that a job needs", file: "line.go", old: " || s.needed(l) {", new: " {", weather: "pools"},
		{name: "removes results with the rest", file: "retention.go", old: "		case !j.hasResult():\n", new: "		case true:\n"},
	}
}
