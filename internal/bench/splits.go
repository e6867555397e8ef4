package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"jetreduce/mapreduce"
)

// Fewer tiny splits for each slot than unpackedPerSlot are a map each. More share maps, and a coordinator that has few maps
// does little: so its processor time and memory are judged with so many slots that nothing is packed.
const (
	unpackedPerSlot = 128
	manySlots       = 400 // of a worker
)

func manySplits() Benchmark {
	return Benchmark{
		"splits-100k", "the coordinator's processor time for a map, and its memory, in a job of 100,000 splits, a map each; and of 25,000",
		Target{Most: 100, Unit: "µs"}, measureSplits,
	}
}

func measureSplits(ctx context.Context, s *Stage) ([]Row, error) {
	many, fewer := s.count(100_000, 100), s.count(25_000, 25)
	workers := max(2, (many+manySlots*unpackedPerSlot-1)/(manySlots*unpackedPerSlot))
	var rows []Row
	for _, splits := range []int{many, fewer} {
		usage, status, err := s.coordinating(ctx, splits, workers, manySlots)
		if err := errors.Join(err, unpacked(status, splits)); err != nil {
			return nil, err
		}
		name := fmt.Sprintf("splits-100k: %d splits in %d maps", splits, status.Maps.Total)
		rows = append(rows,
			atMost(name+", processor time a map", micros(usage.CPU)/float64(splits), "µs", manySplits().Target.Most),
			atMost(name+", memory", float64(usage.Memory)/1e6, "MB", 200))
	}
	usage, status, err := s.coordinating(ctx, many, 2, 1)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("splits-100k: %d splits packed in %d maps, processor time a split", many, status.Maps.Total)
	return append(rows, atMost(name, micros(usage.CPU)/float64(many), "µs", 0)), nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// coordinating is what a coordinator takes in its whole life, in which there is one job of so many splits, and where that
// job stood at its end.
func (s *Stage) coordinating(ctx context.Context, splits, workers, slots int) (usage Usage, status mapreduce.Status, err error) {
	c, err := s.cluster(ctx, workers, slots)
	if err != nil {
		return Usage{}, status, err
	}
	status, _, err = c.taskJob(ctx, countProgram, splits, counted(splits))
	usage, stopped := c.stop()
	return usage, status, errors.Join(err, stopped)
}
