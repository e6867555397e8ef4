package simulation

import (
	"fmt"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// work is what the attempt does, after the time that it takes.
func (a *attempt) work() {
	in := a.w.inputs[a.w.source(a.task.ID.UID)]
	if in == nil {
		a.w.violate("%s of a job that nobody submitted", a)
		return
	}
	if f := a.trouble(in); f.Reason != "" {
		a.fail(f)
		return
	}
	switch a.task.ID.Phase {
	case mapreduce.Plan:
		a.plan(in)
	case mapreduce.Map:
		a.mapSplit(in)
	case mapreduce.Reduce:
		a.reduce()
	case mapreduce.Finish:
		a.finish(in)
	}
}

// trouble is why the attempt fails, if it does: because it is meant to, or by chance, at most twice a task.
func (a *attempt) trouble(in *input) mapreduce.Failure {
	phase, n := a.task.ID.Phase, a.task.ID.N
	switch {
	case in.fate == planForbidden && phase == mapreduce.Plan:
		return mapreduce.Failure{Reason: "no such input", Permanent: true}
	case in.fate == mapForbidden && phase == mapreduce.Map && n == 0:
		return mapreduce.Failure{Reason: "input changed", Permanent: true}
	case in.fate == mapFails && phase == mapreduce.Map && n == 0:
		return mapreduce.Failure{Reason: "the map panics"}
	case in.fate == reduceFails && phase == mapreduce.Reduce && n == 0:
		return mapreduce.Failure{Reason: "the reduce panics"}
	case in.fate == finishMoody && phase == mapreduce.Finish && a.w.rng.IntN(3) == 0:
		return mapreduce.Failure{Reason: "cannot write there", Permanent: true}
	case phase == mapreduce.Finish && a.late():
		return mapreduce.Failure{Reason: "output exists", Permanent: true}
	case a.unlucky():
		return mapreduce.Failure{Reason: "bad luck"}
	}
	return mapreduce.Failure{}
}

// late reports whether a finish stumbles over the output that another attempt has published, before it knows of that.
func (a *attempt) late() bool {
	_, published := a.w.bus.outputs[a.task.ID.UID]
	return published && a.w.chance(a.w.chaos.AttemptFails)
}

func (a *attempt) unlucky() bool {
	if !a.w.chance(a.w.chaos.AttemptFails) || a.w.failed[a.task.ID] == 2 {
		return false
	}
	a.w.failed[a.task.ID]++
	return true
}

// plan cuts the input and stores the cuts, chunk by chunk.
func (a *attempt) plan(in *input) {
	if in.fate == planGarbled {
		a.commit(mapreduce.Commit{}, nil)
		return
	}
	cuts := a.w.cuts(in)
	chunks := slices.Collect(slices.Chunk(cuts, chunkCuts))
	summary := &mapreduce.PlanSummary{Splits: len(cuts), Bytes: int64(len(in.bags)) << 25, Inputs: 1}
	for i := range chunks {
		summary.Firsts = append(summary.Firsts, i*chunkCuts)
	}
	a.store(chunks, 0, func() { a.commit(mapreduce.Commit{Plan: summary}, nil) })
}

func (a *attempt) store(chunks [][]cut, i int, then func()) {
	if i == len(chunks) {
		then()
		return
	}
	a.ask(func() { a.w.bus.plans[planKey{a.id, i}] = chunks[i] }, func() { a.store(chunks, i+1, then) })
}

// mapSplit counts the words of its split and publishes them by partition.
func (a *attempt) mapSplit(in *input) {
	ref := a.task.Split
	a.w.checkPlan(a, ref)
	chunk := a.w.bus.plans[planKey{ref.Attempt, ref.Chunk}]
	if ref.Index >= len(chunk) || chunk[ref.Index].index != a.task.ID.N {
		a.w.violate("%s is given split %d of chunk %d: not its own", a, ref.Index, ref.Chunk)
		return
	}
	var sum bag
	for _, b := range in.bags[chunk[ref.Index].from:chunk[ref.Index].to] {
		sum = sum.plus(b)
	}
	var lanes []mapreduce.Lane
	for r := range a.task.Reduces {
		lanes = append(lanes, mapreduce.Lane{UID: a.task.ID.UID, Reader: mapreduce.Reduce, Partition: r, Generation: 1})
	}
	counts := mapreduce.Counts{Bytes: int64(chunk[ref.Index].to - chunk[ref.Index].from)}
	a.put(lanes, func(r int) bag { return sum.partition(r, a.task.Reduces) }, func() {
		a.commit(mapreduce.Commit{Counts: counts, Digest: sum.digest()}, lanes)
	})
}

// reduce merges the runs of its partition.
func (a *attempt) reduce() {
	sum, ok := a.merge(mapreduce.Map)
	if !ok {
		return
	}
	lanes := []mapreduce.Lane{{UID: a.task.ID.UID, Reader: mapreduce.Finish, Generation: 1}}
	a.put(lanes, func(int) bag { return sum }, func() {
		a.commit(mapreduce.Commit{Counts: mapreduce.Counts{Groups: words}, Digest: sum.digest()}, lanes)
	})
}

// merge reads the roster and adds up the runs that it names.
func (a *attempt) merge(of mapreduce.Phase) (bag, bool) {
	roster, err := a.roster()
	if err != nil {
		a.stranded(err.Error())
		return bag{}, false
	}
	a.w.checkRoster(a, of, roster)
	runs := a.w.lanes[a.task.ID.Lane()]
	sum, missing := runs.merge(roster)
	if a.w.config.Bug == TrustAnyRun {
		sum = runs.all()
	}
	if missing >= 0 {
		a.stranded(fmt.Sprintf("the run of %s %d is not there", of, missing))
		return bag{}, false
	}
	return sum, true
}

func (a *attempt) roster() (mapreduce.Roster, error) {
	ref := a.task.Roster
	packed := ref.Inline
	if ref.Chunks > 0 {
		packed = slices.Concat(a.w.bus.rosters[ref.Stored]...)
	}
	roster, err := mapreduce.DecodeRoster(packed)
	if err == nil && len(roster) != ref.Tasks {
		err = fmt.Errorf("roster of %d for %d tasks", len(roster), ref.Tasks)
	}
	return roster, err
}

// finish merges the partitions, decides that the job is done, and publishes.
func (a *attempt) finish(in *input) {
	output, ok := a.merge(mapreduce.Reduce)
	if !ok {
		return
	}
	if a.w.config.Bug == PublishFirst {
		a.w.bus.publish(a.task.ID.UID, output)
	}
	var stands mapreduce.End
	a.ask(func() {
		stands = a.w.bus.end(mapreduce.End{
			Version: mapreduce.RecordVersion, UID: a.task.ID.UID, State: mapreduce.Done, Attempt: a.id, Digest: output.digest(),
		})
	}, func() { a.decided(in, stands, output) })
}

// decided publishes when the job's end is this output, whoever decided that.
func (a *attempt) decided(in *input, stands mapreduce.End, output bag) {
	switch {
	case stands.State != mapreduce.Done:
		a.w.note("%s: too late, the job is %s", a, stands.State)
		a.settle()
	case stands.Digest != output.digest():
		a.w.violate("%s made digest %d, but %d was decided", a, output.digest(), stands.Digest)
	case in.fate == publishFails:
		a.fail(mapreduce.Failure{Reason: "disk full", Decided: true})
	case in.fate == publishOccupied:
		a.fail(mapreduce.Failure{Reason: "output exists", Decided: true, Permanent: true})
	case a.unlucky():
		a.fail(mapreduce.Failure{Reason: "bad luck in publishing", Decided: true})
	default:
		a.then(a.w.between(0, 20*time.Millisecond), func() {
			a.ask(func() { a.w.bus.publish(a.task.ID.UID, output) }, func() {
				a.commit(mapreduce.Commit{Digest: output.digest()}, nil)
			})
		})
	}
}
