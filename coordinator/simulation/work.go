package simulation

import (
	"encoding/binary"
	"hash/fnv"

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
	bags []bag
	fate fate
}

// total is what a sequential run makes of the input.
func (in *input) total() (sum bag) {
	for _, b := range in.bags {
		sum = sum.plus(b)
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

// lane is the runs that stand on a lane.
type lane map[runKey]bag

// runKey names a run. The same run published twice is one.
type runKey struct {
	task    int // map: split; reduce: partition
	attempt mapreduce.Attempt
}

// merge adds up the runs of the roster's attempts, and reports the first that is not there.
func (l lane) merge(roster mapreduce.Roster) (sum bag, missing int) {
	for n, winner := range roster {
		run, there := l[runKey{n, winner}]
		if !there {
			return bag{}, n
		}
		sum = sum.plus(run)
	}
	return sum, -1
}

// all adds up whatever is there: what a reader must not do.
func (l lane) all() (sum bag) {
	for _, run := range l {
		sum = sum.plus(run) // sums have no order
	}
	return sum
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
	cancelled       fate = "the client may cancel"
)

// fates are drawn from. Most jobs are fine.
func fates() []fate {
	return []fate{
		fine, fine, fine, fine, fine, fine, fine, fine, fine, fine, mapFails, mapForbidden, reduceFails,
		planForbidden, planGarbled, publishFails, publishOccupied, finishMoody, lanesRefused, busMoody, cancelled,
	}
}

// allows reports whether a job of this fate may end so.
func (f fate) allows(state mapreduce.State) bool {
	switch f {
	case fine:
		return state == mapreduce.Done
	case busMoody, finishMoody:
		return state == mapreduce.Done || state == mapreduce.Failed
	case cancelled:
		return state == mapreduce.Done || state == mapreduce.Cancelled
	}
	return state == mapreduce.Failed
}
