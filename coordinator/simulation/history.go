package simulation

import (
	"time"

	"jetreduce/mapreduce"
)

// history is what the checks remember, and nobody in the model sees: it outlives what is forgotten.
type history struct {
	uids      []mapreduce.UID // submissions taken up, in order
	births    map[mapreduce.UID]mapreduce.Record
	specs     map[mapreduce.UID]mapreduce.Job
	reduces   map[mapreduce.UID]int                // R, as recorded
	splits    map[mapreduce.UID]int                // M of the committed plan
	repairs   map[mapreduce.UID][]mapreduce.Repair // as recorded
	missed    map[mapreduce.UID][]mapreduce.Failure
	strayed   map[mapreduce.Lane]bool               // reported to be out of reach
	spoiled   map[mapreduce.UID]bool                // what ran again once it was decided to be done, failed permanently
	first     map[mapreduce.TaskID]mapreduce.Commit // the first commit ever of each task
	decided   map[mapreduce.UID]mapreduce.End
	truth     map[mapreduce.UID]bag             // what the job's output must be, once it is decided to be done
	made      map[made]bag                      // what an attempt made
	lossy     map[mapreduce.UID]bool            // runs of it were lost
	asked     map[mapreduce.JobID]bool          // somebody wanted to cancel it
	excuse    map[mapreduce.UID]string          // why a job may fail that was meant to go well
	linked    map[mapreduce.JobID]mapreduce.UID // to what the link led last
	removed   map[mapreduce.UID]time.Time       // when it was
	erased    map[mapreduce.UID]bool            // nothing is left of it
	discarded map[mapreduce.JobID]bool          // somebody wanted to remove or retry it
}

// made names what an attempt of a task made.
type made struct {
	task    mapreduce.TaskID
	attempt mapreduce.Attempt
}

func newHistory() history {
	return history{
		births: map[mapreduce.UID]mapreduce.Record{}, specs: map[mapreduce.UID]mapreduce.Job{},
		reduces: map[mapreduce.UID]int{}, splits: map[mapreduce.UID]int{},
		repairs: map[mapreduce.UID][]mapreduce.Repair{}, missed: map[mapreduce.UID][]mapreduce.Failure{},
		first: map[mapreduce.TaskID]mapreduce.Commit{}, decided: map[mapreduce.UID]mapreduce.End{},
		strayed: map[mapreduce.Lane]bool{}, spoiled: map[mapreduce.UID]bool{},
		truth: map[mapreduce.UID]bag{}, made: map[made]bag{}, lossy: map[mapreduce.UID]bool{},
		asked: map[mapreduce.JobID]bool{}, excuse: map[mapreduce.UID]string{}, linked: map[mapreduce.JobID]mapreduce.UID{},
		erased: map[mapreduce.UID]bool{}, removed: map[mapreduce.UID]time.Time{}, discarded: map[mapreduce.JobID]bool{},
	}
}

// input is what a job reads, or nil if it was refused.
func (w *world) input(uid mapreduce.UID) *input {
	spec, known := w.bus.specs[uid]
	if !known || len(spec.Inputs) == 0 {
		return nil
	}
	return w.inputs[spec.Inputs[0]]
}

// fate is how a job is meant to end; one that was refused has none.
func (w *world) fate(uid mapreduce.UID) fate {
	if in := w.input(uid); in != nil {
		return in.fate
	}
	return ""
}

// live is the job that has this id, or none.
func (w *world) live(id mapreduce.JobID) mapreduce.UID {
	for _, uid := range w.bus.uids {
		if w.bus.births[uid].Job == id && w.bus.states[uid].State != mapreduce.Removed {
			return uid
		}
	}
	return ""
}

// over reports whether the end of a job is decided.
func (w *world) over(uid mapreduce.UID) bool {
	_, decided := w.bus.decided[uid]
	return decided
}

// final reports whether a job's last record is written.
func (w *world) final(uid mapreduce.UID) bool { return w.bus.states[uid].State.Final() }

// truth is what the output must be: what the committed attempts of the first generation made. Later generations must have
// made the same.
func (w *world) truth(uid mapreduce.UID) (sum bag) {
	if w.bus.specs[uid].MapOnly {
		for n := range w.bus.splits[uid] {
			sum = sum.plus(w.winner(uid, mapreduce.Map, n))
		}
		return sum
	}
	reduces := w.bus.reduces[uid]
	for r := range reduces {
		for n := range w.bus.splits[uid] {
			sum = sum.plus(w.winner(uid, mapreduce.Map, n).partition(r, reduces))
		}
		sum = sum.plus(w.winner(uid, mapreduce.Reduce, r))
	}
	return sum
}

// winner is what the first committed attempt of a task made.
func (w *world) winner(uid mapreduce.UID, phase mapreduce.Phase, n int) bag {
	id := mapreduce.TaskID{UID: uid, Phase: phase, N: n, Generation: 1}
	return w.bus.made[made{id, w.bus.first[id].Attempt}]
}
