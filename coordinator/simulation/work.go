package simulation

import (
	"encoding/binary"
	"hash/fnv"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// words is the size of the vocabulary. Word n belongs to partition n modulo R.
const words = 8

// bag counts words: a piece of input, a run, a partition or an output.
type bag [words]int

func (b bag) plus(c bag) bag {
	for i := range b {
		b[i] += c[i]
	}
	return b
}

// partition is what of the bag belongs to partition r of n.
func (b bag) partition(r, n int) bag {
	for i := range b {
		if i%n != r {
			b[i] = 0
		}
	}
	return b
}

func (b bag) digest() mapreduce.Digest {
	hash := fnv.New64a()
	for _, n := range b {
		hash.Write(binary.AppendVarint(nil, int64(n))) //nolint:errcheck // a hash takes everything
	}
	return mapreduce.Digest(hash.Sum64())
}

// input is what one job reads, and what is to become of it.
type input struct {
	bags   []bag
	fate   fate
	absent map[int]bool // workers that do not have it
	poison map[int]bool // bags that the program cannot take
	bulk   int          // records in such a bag
}

// noise is what an attempt adds to what it should make: nothing, if its program is deterministic.
func (w *world) noise(in *input) (b bag) {
	if in.fate == fickle && w.rng.IntN(3) == 0 {
		b[w.rng.IntN(words)]++
	}
	return b
}

// total is what a sequential run makes of the input.
func (in *input) total() bag { return in.sum(0, len(in.bags)) }

// sum adds up the bags [from, to) that the program can take.
func (in *input) sum(from, to int) (sum bag) {
	for i := from; i < to; i++ {
		if !in.poison[i] {
			sum = sum.plus(in.bags[i])
		}
	}
	return sum
}

// cut is one split: the bags [from, to) of the input.
type cut struct{ index, from, to int }

// chunkCuts is how many splits a chunk of the plan holds.
const chunkCuts = 5

// cuts divides the input as this attempt happens to see fit: another may cut otherwise, so plans must not be mixed.
func (w *world) cuts(in *input) (cuts []cut) {
	for from := 0; from < len(in.bags); {
		to := min(len(in.bags), from+1+w.rng.IntN(2)*w.rng.IntN(2))
		cuts = append(cuts, cut{len(cuts), from, to})
		from = to
	}
	return cuts
}

// fate is how a job is meant to end.
type fate string

const (
	fine            fate = "fine"
	mapFails        fate = "every attempt of a map fails"
	mapForbidden    fate = "a map fails permanently"
	reduceFails     fate = "every attempt of a reduce fails"
	planForbidden   fate = "the plan fails permanently"
	planGarbled     fate = "the plan cannot be read"
	publishFails    fate = "the output cannot be published"
	publishOccupied fate = "the output exists already"
	finishMoody     fate = "a finish may fail permanently, before it decides"
	lanesRefused    fate = "the bus makes no lanes"
	busMoody        fate = "the bus may refuse"
	fickle          fate = "the program is not deterministic"
	someLack        fate = "some workers do not have the input"
	allLack         fate = "no worker has the input"
	poisoned        fate = "some records cannot be mapped"
	linkForbidden   fate = "the result cannot have its name"
	unlinkForbidden fate = "the result cannot be taken away"
)

// fates are drawn from. Most jobs are fine.
func fates() []fate {
	return []fate{
		fine, fine, fine, fine, fine, fine, fine, fine, fine, fine, mapFails, mapForbidden, reduceFails, fickle, fickle,
		planForbidden, planGarbled, publishFails, publishOccupied, finishMoody, lanesRefused, busMoody, someLack, allLack,
		poisoned, poisoned, poisoned, linkForbidden, unlinkForbidden,
	}
}

// allows reports whether a job of this fate may end so, if nothing else happens to it.
func (f fate) allows(state mapreduce.State) bool {
	switch f {
	case fine, unlinkForbidden:
		return state == mapreduce.Done
	case busMoody, finishMoody, fickle, someLack:
		return state == mapreduce.Done || state == mapreduce.Failed
	}
	return state == mapreduce.Failed
}

// allows reports whether a job may end so.
func (w *world) allows(uid mapreduce.UID, r mapreduce.Record) bool {
	in := w.input(uid)
	switch {
	case r.State == mapreduce.Cancelled:
		return w.bus.asked[r.Job]
	case r.State == mapreduce.Failed && w.bus.excuse[uid] != "":
		return true
	case r.State == mapreduce.Failed && w.bus.spoiled[uid] && strings.Contains(r.Error, "it may have been published"):
		return true
	case r.State == mapreduce.Failed && w.exhausted(uid) && strings.Contains(r.Error, "output was lost"):
		return true
	case in.fate == poisoned:
		return in.badRecords() <= w.bus.specs[uid].SkipBad == (r.State == mapreduce.Done)
	case in.fate == linkForbidden:
		return w.bus.specs[uid].Output.OnBus() == (r.State == mapreduce.Failed)
	case in.fate == someLack && r.State == mapreduce.Failed:
		early := w.bus.births[uid].At.Before(time.Unix(3, 0)) // whoever has it may not have been started
		return strings.Contains(r.Error, notHere) && (early || w.chaos.hides())
	case in.fate == allLack:
		return strings.Contains(r.Error, notHere)
	}
	return in.fate.allows(r.State)
}

// exhausted reports whether a job has lost output as often as it may.
func (w *world) exhausted(uid mapreduce.UID) bool {
	return w.bus.lossy[uid] && len(w.bus.repairs[uid]) >= w.scale.repairs
}

// hides reports whether a worker that lives may seem not to.
func (c Chaos) hides() bool {
	return c.BeatLost+c.BeatDelayed+c.WorkerPauses+c.WorkerCrashes+c.WorkerStops+c.LeaderPauses+c.LeaderCrashes+c.BusSlow > 0
}

const notHere = "the input is not here"
