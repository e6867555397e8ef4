package clustertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"jetreduce/mapreduce"
)

// JobCall is what a client asks for.
type JobCall struct {
	Job mapreduce.JobID
	Do  JobOp
}

// JobOp is a kind of JobCall.
type JobOp string

// What clients ask for.
const (
	Submit JobOp = "submit" // always the same description
	Status JobOp = "status"
	Cancel JobOp = "cancel"
	Retry  JobOp = "retry"
	Remove JobOp = "rm"
)

// JobAnswer is what was answered. An operation without an answer has none.
type JobAnswer struct {
	Unknown bool            // there is no such job
	Refused mapreduce.State // the job is in this state, and therefore not; "": not refused
	UID     mapreduce.UID   // of the submission that is meant
	State   mapreduce.State // where it stands
	Epoch   mapreduce.Epoch // of the leader that said so; 0: it did not say
}

// job is what a model of one job remembers. What happens without a client is seen by what is answered: a state that was seen
// stands, or a later one.
//
//	absent ── submit ──▶ uid, queued ─▶ … ─▶ end ── rm ──▶ absent
//	                      ▲        cancel ──▶ │
//	                      └── retry: a new uid ┘
type job struct {
	there bool
	uid   mapreduce.UID   // "": the submission had no answer, and nobody has seen it yet
	past  string          // uids that are over, each between blanks
	seen  mapreduce.State // it has come so far at least
	end   mapreduce.State // how it ends, which may be decided before it is seen; "": nobody was told
}

// JobModel is what clients are promised of each job: the states of a submission only go forward, it has one end, and cancel,
// retry and rm are answered as they were done. A status may be one of a leader that is deposed and does not know it: Aged
// says how much later than it was true.
func JobModel() porcupine.Model {
	return porcupine.Model{
		Partition: byJob,
		Init:      func() any { return job{} },
		Step: func(state, input, output any) (bool, any) {
			answer, answered := output.(JobAnswer)
			if !answered {
				return true, state.(job).assume(input.(JobCall).Do)
			}
			return state.(job).step(input.(JobCall).Do, answer)
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
		DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
	}
}

func byJob(ops []porcupine.Operation) [][]porcupine.Operation {
	jobs := map[mapreduce.JobID][]porcupine.Operation{}
	for _, op := range ops {
		id := op.Input.(JobCall).Job
		jobs[id] = append(jobs[id], op)
	}
	var parts [][]porcupine.Operation
	for _, part := range jobs {
		parts = append(parts, part)
	}
	return parts
}

// assume is what a call without an answer does when it comes now. It may as well come later, or never: that is after all else.
func (j job) assume(do JobOp) job {
	switch {
	case do == Submit && !j.there:
		return job{there: true, past: j.past, seen: mapreduce.Queued}
	case do == Cancel && j.there && j.end == "":
		j.end = mapreduce.Cancelled
	case do == Retry && j.there && again(j.end):
		return job{there: true, past: j.over(), seen: mapreduce.Queued}
	case do == Remove && j.there:
		return job{past: j.over()}
	}
	return j
}

func again(end mapreduce.State) bool { return end == mapreduce.Cancelled || end == mapreduce.Failed }

func (j job) step(do JobOp, answer JobAnswer) (bool, job) {
	switch {
	case answer.Unknown:
		return !j.there, j
	case answer.Refused != "":
		return j.refuse(do, answer.Refused)
	case do == Submit && !j.there:
		return job{there: true, past: j.past, seen: mapreduce.Queued}.see(answer)
	case do == Retry:
		return again(j.end) && j.there, job{there: true, past: j.over(), uid: answer.UID, seen: mapreduce.Queued}
	}
	if do == Cancel {
		if j.end != "" && j.end != mapreduce.Cancelled {
			return false, j
		}
		j.end = mapreduce.Cancelled
	}
	ok, j := j.see(answer)
	if do == Remove {
		return ok && j.seen.Final(), job{past: j.over()}
	}
	return ok, j
}

// refuse takes in that a job is in a state in which it cannot be cancelled, retried or removed.
func (j job) refuse(do JobOp, state mapreduce.State) (bool, job) {
	switch {
	case !j.there:
		return false, j
	case do == Cancel: // the end may be decided, and not be seen yet
		ok := state.Final() && state != mapreduce.Cancelled && (j.end == "" || j.end == state)
		j.end = state
		return ok, j
	case do == Retry && state != mapreduce.Done, do == Remove:
		ok, j := j.see(JobAnswer{UID: j.uid, State: state})
		return ok && !state.Final(), j
	}
	return j.see(JobAnswer{UID: j.uid, State: state})
}

// see takes in where the job stands.
func (j job) see(answer JobAnswer) (bool, job) {
	switch {
	case !j.there || j.uid != "" && answer.UID != j.uid:
		return false, j
	case j.uid == "" && answer.UID != "" && strings.Contains(j.past, blank(answer.UID)):
		return false, j
	case rank(answer.State) < rank(j.seen) || j.seen.Final() && answer.State != j.seen:
		return false, j
	case answer.State.Final() && j.end != "" && j.end != answer.State:
		return false, j
	}
	j.uid, j.seen = answer.UID, answer.State
	if answer.State.Final() {
		j.end = answer.State
	}
	return true, j
}

// over is the past when this submission is over.
func (j job) over() string {
	if j.uid == "" {
		return j.past
	}
	return j.past + blank(j.uid)
}

func blank(uid mapreduce.UID) string { return " " + string(uid) + " " }

// rank orders states by a job's life; the final ones are alike.
func rank(state mapreduce.State) int {
	if state.Final() {
		return len(mapreduce.UserStates())
	}
	return slices.Index(mapreduce.UserStates(), state)
}

// Aged is the history as it may be read by whom a status is not promised to be fresh: one that a leader gave when a later
// leader had answered others may be as old as that leader's first answer, and that there is no such job as old as the bus.
// It reports how many there are that are certainly late.
func Aged(ops []porcupine.Operation) (aged []porcupine.Operation, late int) {
	began, latest := map[mapreduce.Epoch]int64{}, map[mapreduce.Epoch]int64{}
	for _, op := range ops {
		if answer, ok := op.Output.(JobAnswer); ok && answer.Epoch > 0 {
			began[answer.Epoch] = least(began[answer.Epoch], op.Call)
			latest[answer.Epoch] = least(latest[answer.Epoch], op.Return)
		}
	}
	for _, op := range ops {
		answer, answered := op.Output.(JobAnswer)
		status := answered && op.Input.(JobCall).Do == Status
		if status && answer.Unknown {
			continue
		}
		if status && deposed(latest, answer.Epoch, op.Call) {
			op.Call = began[answer.Epoch]
			late++
		}
		aged = append(aged, op)
	}
	return aged, late
}

func least(known, other int64) int64 {
	if known == 0 {
		return other
	}
	return min(known, other)
}

// deposed reports whether a later leader than that of an epoch had answered by a time.
func deposed(answered map[mapreduce.Epoch]int64, epoch mapreduce.Epoch, by int64) bool {
	for other, first := range answered {
		if other > epoch && first < by {
			return true
		}
	}
	return false
}
