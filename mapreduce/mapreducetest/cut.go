package mapreducetest

import (
	"fmt"
	"iter"
	"slices"

	"jetreduce/mapreduce"
)

// cut is one way to run the job.
type cut struct {
	batch      int // records that a mapper gets in one call, at most
	split      int // batches of a map task, at most
	partitions int
	memory     int64 // of each sort and merge
	combine    bool
}

func (c cut) String() string {
	combiner := "with"
	if !c.combine {
		combiner = "without"
	}
	return fmt.Sprintf("splits of %d × %d records, %d partitions, %s the combiner", c.split, c.batch, c.partitions, combiner)
}

// tinyMemory is so little that every few records are spilled.
const (
	tinyMemory = 512
	someMemory = 1 << 20
)

// cuts are the ways to run the job. Of many records no split is made for each.
func (j *job) cuts() []cut {
	all := len(j.records) + 1
	few := all/64 + 1
	cuts := []cut{
		{batch: 3 * few, split: 2, partitions: 3, memory: tinyMemory, combine: true},
		{batch: few, split: 1, partitions: 1, memory: someMemory, combine: true},
		{batch: all, split: all, partitions: 7, memory: someMemory},
	}
	for i := range cuts {
		if most := j.program.Reduces; most > 0 {
			cuts[i].partitions = min(cuts[i].partitions, most)
		}
		if j.program.Combiner == nil && j.program.SortedCombiner == nil {
			cuts[i].combine = false
		}
	}
	return cuts
}

// splits are the batches of each map task. A task may have more than one input, a batch never has.
func (j *job) splits(c cut) iter.Seq[[]mapreduce.Batch] {
	var batches []mapreduce.Batch
	for i, held := 0, 0; i < len(j.records); i++ {
		record := j.records[i]
		if last := len(batches) - 1; held > 0 && held < c.batch && follows(batches[last], record) {
			batches[last].Data = append(batches[last].Data, record.Data...)
			held++
			continue
		}
		record.Data = slices.Clip(slices.Clone(record.Data)) // the job's own stays as it is
		batches, held = append(batches, record), 1
	}
	return slices.Chunk(batches, c.split)
}

// follows reports whether a record stands right behind a batch of the same input.
func follows(batch, record mapreduce.Batch) bool {
	return batch.Source == record.Source && batch.Offset+int64(len(batch.Data)) == record.Offset
}
