package simulation

import "jetreduce/mapreduce"

// checkTimeline checks what is kept of how a job went: that counts agree with what users are told, and that each attempt is counted once.
func (w *world) checkTimeline(t mapreduce.Timeline) {
	w.tally.Timelines++
	if !t.Job.State.Final() {
		w.violate("the timeline of %s is kept, which is %s", t.Job.UID, t.Job.State)
	}
	sum, known := summed(t)
	shown := map[mapreduce.Outcome]int{}
	if !t.Earlier && sum != t.Job.Attempts { // an earlier leader may have known more
		w.violate("job %s: users are told of %+v, its timeline has %+v", t.Job.UID, t.Job.Attempts, sum)
	}
	w.checkShown(t, shown)
	for outcome, n := range known {
		missing := n - shown[outcome]
		if missing < 0 || missing > t.Hidden && outcome != mapreduce.OutcomeLost { // one that was lost may have won after all
			w.violate("job %s: %d attempts %s, %d are shown, %d hidden", t.Job.UID, n, outcome, shown[outcome], t.Hidden)
		}
	}
}

// summed is what a timeline counts, as users are told it, and by outcome.
func summed(t mapreduce.Timeline) (sum mapreduce.AttemptCounts, known map[mapreduce.Outcome]int) {
	known = map[mapreduce.Outcome]int{}
	for _, p := range t.Phases {
		switch p.Phase {
		case mapreduce.Map:
			sum.Map = p.Done
		case mapreduce.Reduce:
			sum.Reduce = p.Done
		}
		sum.Failed, sum.Lost, sum.Speculative = sum.Failed+p.Failed, sum.Lost+p.Lost, sum.Speculative+p.Speculative
		known[mapreduce.OutcomeCommitted] += p.Done
		known[mapreduce.OutcomeFailed] += p.Failed
		known[mapreduce.OutcomeLost] += p.Lost
		known[mapreduce.OutcomeBeaten] += p.Beaten
	}
	return sum, known
}

// checkShown checks single attempts: a task has one committed attempt, the one that stands in its record.
func (w *world) checkShown(t mapreduce.Timeline, shown map[mapreduce.Outcome]int) {
	seen := map[mapreduce.AttemptRef]bool{}
	for _, a := range t.Attempts {
		shown[a.Outcome]++
		switch {
		case seen[a.AttemptRef]:
			w.violate("job %s: %s by %s is shown twice", t.Job.UID, a.Task, a.Attempt)
		case a.Outcome == mapreduce.OutcomeCommitted && w.bus.first[a.Task].Attempt != a.Attempt && !t.Earlier: // else the first was forgotten
			w.violate("job %s: %s by %s was not committed", t.Job.UID, a.Task, a.Attempt)
		case a.Outcome == mapreduce.OutcomeBeaten && w.bus.first[a.Task].Attempt == a.Attempt && !w.over(t.Job.UID):
			w.violate("job %s: %s by %s was not beaten", t.Job.UID, a.Task, a.Attempt)
		case a.Outcome == mapreduce.OutcomeRunning:
			w.violate("job %s has ended, and %s runs", t.Job.UID, a.Task)
		}
		seen[a.AttemptRef] = true
	}
}
