package simulation

import (
	"fmt"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// work is what the attempt does, after the time that it takes.
func (a *attempt) work() {
	in := a.w.input(a.task.ID.UID)
	if in == nil {
		a.w.violate("%s of a job that nobody submitted", a)
		return
	}
	f := a.trouble(in)
	if reads := a.task.ID.Phase == mapreduce.Plan || a.task.ID.Phase == mapreduce.Map; reads && f.Reason == "" {
		f = a.lack(in)
	}
	if f.Reason != "" {
		a.fail(f)
		return
	}
	switch a.task.ID.Phase {
	case mapreduce.Plan:
		a.plan(in)
	case mapreduce.Map:
		a.mapSplit(in)
	case mapreduce.Reduce:
		a.reduce(in)
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
	case a.spoiled():
		return mapreduce.Failure{Reason: "cannot be made again", Permanent: true}
	case a.unlucky():
		return mapreduce.Failure{Reason: "bad luck"}
	}
	return mapreduce.Failure{}
}

// lack is why the attempt cannot read its input, if it cannot: its worker does not have it, or the bus has lost it, which
// it must not while the job may need it.
func (a *attempt) lack(in *input) mapreduce.Failure {
	uid := a.task.ID.UID
	switch {
	case in.absent[a.k.number]:
		return mapreduce.Failure{Reason: notHere, Absent: true}
	case !a.w.carried(uid):
		if !a.w.over(uid) && a.w.bus.excuse[uid] == "" {
			a.w.violate("%s lacks its upload", a)
		}
		return mapreduce.Failure{Reason: "the upload is gone", Permanent: true}
	}
	return mapreduce.Failure{}
}

// late reports whether a finish stumbles over the output that another attempt has published, before it knows of that.
func (a *attempt) late() bool {
	_, published := a.w.bus.outputs[a.task.ID.UID]
	return published && a.w.chance(a.w.chaos.AttemptFails)
}

func (a *attempt) unlucky() bool {
	if !a.w.chance(a.w.chaos.AttemptFails) || a.w.failed[a.task.ID] == 2 || a.task.Careful {
		return false
	}
	a.w.failed[a.task.ID]++
	return true
}

// spoiled reports whether a task that runs again, once the job is decided to be done, cannot.
func (a *attempt) spoiled() bool {
	id := a.task.ID
	if id.Generation == 1 || a.w.bus.decided[id.UID].State != mapreduce.Done || !a.w.chance(a.w.chaos.RepairFails) {
		return false
	}
	a.w.bus.spoiled[id.UID] = true
	a.w.tally.Spoiled++
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
	a.ask(func() { a.w.bus.plans[planKey{a.task.ID.UID, a.id, i}] = chunks[i] }, func() { a.store(chunks, i+1, then) })
}

// mapSplit counts the words of its split and publishes them by partition: all, or those that are made again.
func (a *attempt) mapSplit(in *input) {
	own, ok := a.split()
	if !ok {
		return
	}
	bad, f := a.leaveOut(in, own)
	if f.Reason != "" {
		a.fail(f)
		return
	}
	sum := a.w.noise(in).plus(in.sum(own.from, own.to))
	a.w.bus.made[made{a.task.ID, a.id}] = sum
	lanes := a.mapLanes()
	counts := mapreduce.Counts{Bytes: int64(own.to - own.from)}
	a.put(lanes, func(l mapreduce.Lane) bag { return sum.partition(l.Partition, max(1, a.task.Reduces)) }, func() {
		a.commit(mapreduce.Commit{Counts: counts, Digest: a.digest(sum), Bad: bad}, lanes)
	})
}

// mapLanes is where a map publishes.
func (a *attempt) mapLanes() (lanes []mapreduce.Lane) {
	if a.task.MapOnly {
		return []mapreduce.Lane{a.task.LaneTo(mapreduce.Finish, 0)}
	}
	for r := range a.task.Reduces {
		if len(a.task.Partitions) == 0 || a.task.Partitions.Has(r) {
			lanes = append(lanes, a.task.LaneTo(mapreduce.Reduce, r))
		}
	}
	return lanes
}

// split looks up the split of a map in the plan. Of a job that is over the plan may be gone.
func (a *attempt) split() (cut, bool) {
	ref := a.task.Split
	a.w.checkPlan(a, ref)
	chunk := a.w.bus.plans[planKey{ref.Plan.UID, ref.Attempt, ref.Chunk}]
	switch {
	case ref.Index < len(chunk) && chunk[ref.Index].index == a.task.ID.N:
		return chunk[ref.Index], true
	case a.w.final(a.task.ID.UID):
		a.fail(mapreduce.Failure{Reason: "there is no such plan"})
	default:
		a.w.violate("%s is given split %d of chunk %d: not its own", a, ref.Index, ref.Chunk)
	}
	return cut{}, false
}

// digest is that of what the attempt made.
func (a *attempt) digest(b bag) mapreduce.Digest {
	if a.w.config.Bug == TrustsRepairs && a.task.ID.Generation > 1 {
		first := a.task.ID
		first.Generation = 1
		return a.w.bus.first[first].Digest
	}
	return b.digest()
}

// reduce merges the runs of its partition.
func (a *attempt) reduce(in *input) {
	sum, ok := a.merge()
	if !ok {
		return
	}
	noise := a.w.noise(in)
	a.w.bus.made[made{a.task.ID, a.id}] = noise
	sum = sum.plus(noise)
	lanes := []mapreduce.Lane{a.task.LaneTo(mapreduce.Finish, 0)}
	a.put(lanes, func(mapreduce.Lane) bag { return sum }, func() {
		a.commit(mapreduce.Commit{Counts: mapreduce.Counts{Groups: words}, Digest: a.digest(sum)}, lanes)
	})
}

// merge reads the roster and adds up the runs that it names, from all lanes that the task names.
func (a *attempt) merge() (sum bag, ok bool) {
	roster, err := a.roster()
	if err != nil {
		a.stranded(mapreduce.Failure{Reason: err.Error()})
		return bag{}, false
	}
	a.w.checkRoster(a, roster)
	lanes := a.task.Lanes
	if len(lanes) == 0 {
		lanes = []mapreduce.Generation{1}
	}
	var missing []int
	for n, winner := range roster {
		b, found := a.take(lanes, n, winner)
		if !found {
			missing = append(missing, n)
		}
		sum = sum.plus(b)
	}
	if len(missing) > 0 {
		a.miss(missing, slices.Max(lanes))
		return bag{}, false
	}
	return sum, true
}

// take reads what the committed attempt of a task made, wherever it stands.
func (a *attempt) take(lanes []mapreduce.Generation, n int, winner mapreduce.Attempt) (sum bag, found bool) {
	of := a.task.ID.Lane()
	for _, of.Generation = range lanes {
		runs, _ := a.w.reach(of)
		if a.w.config.Bug == TrustAnyRun && runs != nil && !runs.away {
			sum, found = sum.plus(runs.all(n)), true
		}
		if a.w.config.Bug == TrustEachRound {
			winner = a.w.bus.first[mapreduce.TaskID{UID: of.UID, Phase: a.w.source(of.UID, of.Reader), N: n, Generation: of.Generation}].Attempt
		}
		if b, there := runs.find(runKey{n, winner}); there && a.w.config.Bug != TrustAnyRun {
			sum, found = sum.plus(b), true
		}
	}
	return sum, found
}

// all adds up whatever there is of a task: what a reader must not do.
func (l *lane) all(n int) (sum bag) {
	for _, r := range l.runs {
		if r.task == n {
			sum = sum.plus(r.bag)
		}
	}
	return sum
}

// miss reports committed output that is gone.
func (a *attempt) miss(missing []int, seen mapreduce.Generation) {
	if a.w.config.Bug == SeenStale {
		seen = 1
	}
	a.stranded(mapreduce.Failure{Reason: "runs lost", Missing: mapreduce.RangesOf(missing...), Seen: seen})
}

// source is the phase whose output a phase reads.
func (w *world) source(uid mapreduce.UID, reader mapreduce.Phase) mapreduce.Phase {
	if reader == mapreduce.Finish && !w.bus.specs[uid].MapOnly {
		return mapreduce.Reduce
	}
	return mapreduce.Map
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
	output, ok := a.merge()
	if !ok {
		return
	}
	if a.w.config.Bug == PublishFirst {
		a.w.bus.publish(a.task.ID.UID, output)
	}
	uid := a.task.ID.UID
	end := mapreduce.End{Version: mapreduce.RecordVersion, UID: uid, State: mapreduce.Done, Attempt: a.id, Digest: output.digest()}
	create := func() bool { return !a.outdated() && a.w.bus.end(end) }
	stands := func() bool { return a.w.bus.ends[uid].UID != "" }
	a.create(create, func() bool { return stands() || a.outdated() }, func(created, _ bool) {
		switch {
		case created:
		case !stands():
			a.w.bus.excuse[uid] = "slow"
			a.fail(mapreduce.Failure{Reason: "the finish took too long", Permanent: true})
			return
		default:
			end = a.w.bus.ends[uid]
		}
		a.decided(in, end, output)
	})
}

// decided publishes when the job's end is this output, whoever decided that.
func (a *attempt) decided(in *input, stands mapreduce.End, output bag) {
	switch {
	case stands.State != mapreduce.Done:
		a.w.note("%s: too late, the job is %s", a, stands.State)
		a.commit(mapreduce.Commit{Digest: output.digest()}, nil)
	case stands.Digest != output.digest() && in.fate == fickle:
		a.fail(mapreduce.Failure{Reason: "not deterministic", Decided: true, Permanent: true})
	case stands.Digest != output.digest():
		a.w.violate("%s made digest %d, but %d was decided", a, output.digest(), stands.Digest)
	case in.fate == publishFails:
		a.fail(mapreduce.Failure{Reason: "disk full", Decided: true})
	case in.fate == publishOccupied:
		a.fail(mapreduce.Failure{Reason: "output exists", Decided: true, Permanent: true})
	case a.unlucky():
		a.fail(mapreduce.Failure{Reason: "bad luck in publishing", Decided: true})
	default:
		a.then(a.w.between(0, 20*time.Millisecond), func() { a.publish(output) })
	}
}

func (a *attempt) publish(output bag) {
	refused := false
	a.ask(func() { refused = a.w.bus.publish(a.task.ID.UID, output) }, func() {
		if refused {
			a.fail(mapreduce.Failure{Reason: "the result was removed", Decided: true, Permanent: true})
			return
		}
		a.commit(mapreduce.Commit{Digest: output.digest()}, nil)
	})
}
