package shuffle

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// Flush sends each partition's run to push as chunks, in order: at least one for each partition, since an empty run has
// a trailer too. Push owns the chunk that it gets. The digest is over all runs, and equal for equal pairs whatever
// memory, chunk size and compression were. The sorter is spent then, whether it worked or not.
func (s *Sorter) Flush(ctx context.Context, owner RunOwner, push func(partition int, chunk []byte) error) (mapreduce.Digest, error) {
	if s.err != nil {
		return 0, s.err
	}
	digest, err := s.flush(ctx, owner, push)
	s.fail(errSpent)
	if err != nil {
		return 0, fmt.Errorf("flush runs of task %d, attempt %s: %w", owner.Task, owner.Attempt, err)
	}
	return digest, nil
}

func (s *Sorter) flush(ctx context.Context, owner RunOwner, push func(int, []byte) error) (mapreduce.Digest, error) {
	e, err := newEncoder(owner, s.config.ChunkSize, push)
	if err != nil {
		return 0, err
	}
	sources, err := s.sources(ctx)
	if err != nil {
		return 0, err
	}
	var all digest
	put := func(key, value []byte) error { return e.put(ctx, key, value) }
	for p := range s.config.Partitions {
		e.begin(p)
		if err := s.merge(p, sources, put); err != nil {
			return 0, err
		}
		trailer, err := e.end(ctx)
		if err != nil {
			return 0, err
		}
		all.add(trailer)
	}
	return all.sum(), nil
}

// sources is all that was emitted: the spills in the order in which they were made, then what is in memory.
func (s *Sorter) sources(ctx context.Context) ([]sorted, error) {
	if s.table != nil {
		if s.settle(); s.err != nil {
			return nil, s.err
		}
	}
	if err := s.narrow(ctx); err != nil {
		return nil, err
	}
	sources := s.open(s.spills)
	if m, empty := s.memory(); !empty {
		if err := s.arrange(m); err != nil {
			return nil, err
		}
		sources = append(sources, &s.index)
	}
	return sources, nil
}

// digest is the XXH3 of each run's own digest and length, by partition: of all canonical records, and of where one
// partition ends and the next begins.
type digest struct{ runs []byte }

func (d *digest) add(t Trailer) {
	d.runs = binary.LittleEndian.AppendUint64(d.runs, t.Digest)
	d.runs = binary.LittleEndian.AppendUint64(d.runs, uint64(t.Bytes))
}

func (d *digest) sum() mapreduce.Digest { return mapreduce.Digest(xxh3.Hash(d.runs)) }
