package mapreducetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"jetreduce/mapreduce/shuffle"
)

// emittedTo is how many partitions the pairs are sorted into that a map emits: one, if what the program makes of them is then sorted again.
func (j *job) emittedTo(c cut) int {
	if c.combine && j.program.SortedCombiner != nil {
		return 1
	}
	return c.partitions
}

// sorter makes a sorter of a map task.
func (j *job) sorter(c cut, partitions int) *shuffle.Sorter {
	config := shuffle.SorterConfig{
		Partitions: partitions, Memory: c.memory, Scratch: j.dir, Keying: shuffle.KeyingOf(j.program),
	}
	if c.combine {
		config.Combiner = j.program.Combiner
	}
	return shuffle.NewSorter(config)
}

// combined is the sorter whose runs travel: that of the map, or what the program's SortedCombiner makes of it.
func (r *running) combined(ctx context.Context, emitted *shuffle.Sorter) (*shuffle.Sorter, error) {
	if !r.cut.combine || r.job.program.SortedCombiner == nil {
		return emitted, nil
	}
	into := r.job.sorter(r.cut, r.cut.partitions)
	sorted := func(yield func(key, value []byte) error) error {
		return emitted.Each(ctx, func(key, value []byte) error {
			key, value = slices.Clone(key), slices.Clone(value)
			defer func() { clobber(key); clobber(value) }()
			return yield(key, value)
		})
	}
	err := guard("combine", func() error { return r.job.program.SortedCombiner(ctx, sorted, into) })
	if err = errors.Join(err, into.Err()); err != nil {
		return nil, errors.Join(err, into.Close())
	}
	return into, nil
}

// groups merges a partition's runs, and hands over each group.
func (r *running) groups(ctx context.Context, lane [][]byte, yield func(key []byte, values iter.Seq[[]byte]) error) error {
	collector := shuffle.NewCollector(shuffle.CollectorConfig{
		Roster: r.maps, Memory: r.cut.memory, Scratch: r.job.dir, Keying: shuffle.KeyingOf(r.job.program),
	})
	for _, chunk := range lane {
		if err := collector.Add(chunk); err != nil {
			return errors.Join(err, collector.Close())
		}
	}
	merge, err := collector.Merge(ctx)
	if err != nil {
		return errors.Join(err, collector.Close())
	}
	defer merge.Close()
	return merge.Groups(ctx, yield)
}

// once holds a program to its word that what it groups stands together: in one partition, and there in one place.
func (r *running) once(key []byte) error {
	group := key
	if of := r.job.program.Group; of != nil {
		group = of(key)
	}
	if before, known := r.groupsSeen[string(group)]; known {
		return fmt.Errorf("group %.100q comes twice, with key %.100q and with %.100q: keys that share a group must be neighbours in the "+
			"order of keys, and go to one partition", group, before, key)
	}
	r.groupsSeen[string(group)] = string(key)
	return nil
}
