package onejob

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/tcp"
)

// prefix is how far a job is without a gap, and what that comes to. Each split is taken in once, when it is done and all before it are.
//
//	split    0 1 2 3 │ 4 5 │ 6 │ 7 … last
//	         held    │ new │   │ done, behind one that is not
//
// The last split is never among it: whoever holds all but that has something left to do, and finds the end of the file by itself.
type prefix struct {
	gather  gather
	order   func(dst, word []byte) []byte
	winners map[mapreduce.TaskID]mapreduce.Attempt // of maps, in all generations; whatever has been recorded on this bus
	repairs map[mapreduce.UID][]mapreduce.Repair   // of maps, by generation

	uid    mapreduce.UID
	splits int
	words  map[string]*tally
}

// tally is how often a word was met, and where it stands among others.
type tally struct {
	key []byte
	n   int64
}

// gather hands over, by word, what some maps have made for a partition: worker.Worker.Gather.
type gather func(ctx context.Context, task mapreduce.Task, roster mapreduce.Roster,
	yield func(word []byte, counts iter.Seq[[]byte]) error) error

func newPrefix(g gather) *prefix {
	return &prefix{
		gather: g, order: roles.OriginalOrder(),
		winners: map[mapreduce.TaskID]mapreduce.Attempt{}, repairs: map[mapreduce.UID][]mapreduce.Repair{}, words: map[string]*tally{},
	}
}

// note takes in what was recorded: commits of maps, and their repairs. Records come in any order, and more than once.
func (p *prefix) note(event mapreduce.Event) {
	switch e := event.(type) {
	case mapreduce.Commit:
		if e.Task.Phase == mapreduce.Map {
			p.winners[e.Task] = e.Attempt
		}
	case mapreduce.Restored:
		if repair := e.Record.Repair; repair != nil && repair.Phase == mapreduce.Map {
			p.mend(e.Record.UID, *repair)
		}
	}
}

func (p *prefix) mend(uid mapreduce.UID, repair mapreduce.Repair) {
	all := p.repairs[uid]
	at, known := slices.BinarySearchFunc(all, repair.Generation, func(r mapreduce.Repair, g mapreduce.Generation) int {
		return cmp.Compare(r.Generation, g)
	})
	if !known {
		p.repairs[uid] = slices.Insert(all, at, repair)
	}
}

// extend takes in the splits that follow and are done, and reports whether there were any. One whose runs are lost is left for another
// time: they are made again if anybody misses them. As long as it is not known how many partitions there are, nothing can be read.
func (p *prefix) extend(ctx context.Context, status mapreduce.Status) (grown bool, err error) {
	if p.uid != status.UID {
		p.uid, p.splits, p.words = status.UID, 0, map[string]*tally{}
	}
	if status.Reduces.Total == 0 {
		return false, nil
	}
	end := p.splits
	for end < status.Maps.Total-1 && !p.winner(end, 0).IsZero() {
		end++
	}
	for end > p.splits {
		found, err := p.read(ctx, end, status.Reduces.Total)
		var lost mapreduce.RunsLost
		switch {
		case err == nil:
			p.add(found)
			p.splits = end
			return true, nil
		case !errors.As(err, &lost) || len(lost.Tasks) == 0:
			return false, err
		}
		end = min(end-1, slices.Min(lost.Tasks))
	}
	return false, nil
}

// winner is the attempt of a map whose run for a partition counts, as reduce tasks are told it: of the last repair that was to make it
// again and has, else of the first generation. Zero: none yet.
func (p *prefix) winner(n, partition int) mapreduce.Attempt {
	task := mapreduce.TaskID{UID: p.uid, Phase: mapreduce.Map, N: n, Generation: 1}
	found := p.winners[task]
	for _, r := range p.repairs[p.uid] {
		task.Generation = r.Generation
		if again, made := p.winners[task]; made && r.Partitions.Has(partition) {
			found = again
		}
	}
	return found
}

// lanes are the generations of lanes on which runs for a partition stand.
func (p *prefix) lanes(partition int) []mapreduce.Generation {
	lanes := []mapreduce.Generation{1}
	for _, r := range p.repairs[p.uid] {
		if r.Partitions.Has(partition) {
			lanes = append(lanes, r.Generation)
		}
	}
	return lanes
}

// read adds up what the splits hold that follow, up to end.
func (p *prefix) read(ctx context.Context, end, partitions int) (map[string]int64, error) {
	found := map[string]int64{}
	for partition := range partitions {
		roster := make(mapreduce.Roster, end)
		for n := p.splits; n < end; n++ {
			roster[n] = p.winner(n, partition)
		}
		task := mapreduce.Task{
			ID:    mapreduce.TaskID{UID: p.uid, Phase: mapreduce.Reduce, N: partition, Generation: 1},
			Lanes: p.lanes(partition),
		}
		err := p.gather(ctx, task, roster, func(word []byte, counts iter.Seq[[]byte]) error {
			sum, err := p.sum(found[string(word)], word, counts)
			found[string(word)] = sum
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// sum adds the counts of a word to what is found of it. With what is held of it that must be within 64 bits.
func (p *prefix) sum(found int64, word []byte, counts iter.Seq[[]byte]) (int64, error) {
	most := int64(math.MaxInt64)
	if known := p.words[string(word)]; known != nil {
		most -= known.n
	}
	for count := range counts {
		n, size := binary.Varint(count)
		if size != len(count) || n < 1 {
			return found, fmt.Errorf("count of %.100q: %x is none", word, count)
		}
		if n > most-found {
			return found, fmt.Errorf("count of %.100q: beyond 64 bits", word)
		}
		found += n
	}
	return found, nil
}

func (p *prefix) add(found map[string]int64) {
	for word, n := range found {
		known := p.words[word]
		if known == nil {
			known = &tally{key: p.order(nil, []byte(word))}
			p.words[word] = known
		}
		known.n += n
	}
}

// histogram is what the prefix holds, in the order of the originals: they search in it.
func (p *prefix) histogram() tcp.Histogram {
	held := make(tcp.Histogram, 0, len(p.words))
	for word, known := range p.words {
		held = append(held, tcp.Count{Word: []byte(word), N: known.n})
	}
	slices.SortFunc(held, func(a, b tcp.Count) int {
		return cmp.Or(bytes.Compare(p.words[string(a.Word)].key, p.words[string(b.Word)].key), bytes.Compare(a.Word, b.Word))
	})
	return held
}
