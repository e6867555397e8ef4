package mapreducetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime/debug"
	"slices"
	"strings"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/shuffle"
)

// job is a program with its inputs.
type job struct {
	program mapreduce.Program
	config  Config
	dir     string            // of the files shipped along
	records []mapreduce.Batch // each a batch of its own
}

// emitted is the order of rows that is the reducers' own.
const emitted = "emitted"

// run is one run of the job.
//
//	splits ─▶ map ─▶ lanes[partition] ─▶ reduce ─▶ rows
func (j *job) run(ctx context.Context, c cut) (Result, error) {
	r := &running{job: j, cut: c, lanes: make([][][]byte, c.partitions), groupsSeen: map[string]string{}}
	task := 0
	for split := range j.splits(c) {
		if err := r.mapSplit(ctx, task, split); err != nil {
			return Result{}, err
		}
		task++
	}
	for partition := range c.partitions {
		if j.program.Reducer == nil {
			break
		}
		if err := r.reduce(ctx, partition); err != nil {
			return Result{}, err
		}
	}
	if order := j.program.Order; order != emitted && (order != "" || j.program.Reducer != nil) {
		slices.SortStableFunc(r.rows, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	}
	return Result{Rows: r.rows, Counters: r.counters}, nil
}

// running is what one run has come to.
type running struct {
	job      *job
	cut      cut
	maps     mapreduce.Roster
	lanes    [][][]byte // partition → chunks
	rows     rows
	counters mapreduce.Counters

	groupsSeen map[string]string // their first keys
}

// rows keeps what is emitted, in order.
type rows [][2]string

func (r *rows) Emit(key, value []byte) { *r = append(*r, [2]string{string(key), string(value)}) }

// attempt does the work of a task in a context of its own, and adds up what it has counted.
func (r *running) attempt(ctx context.Context, id mapreduce.TaskID, work func(ctx context.Context) error) (err error) {
	task := &mapreduce.TaskContext{Job: "test", Task: id, Attempt: attemptOf(id.N), Dir: r.job.dir, Log: r.job.config.Log}
	if err := work(mapreduce.WithTask(ctx, task)); err != nil {
		return err
	}
	counted, err := task.Counters()
	r.counters = r.counters.Add(counted)
	return err
}

func taskOf(phase mapreduce.Phase, n int) mapreduce.TaskID {
	return mapreduce.TaskID{UID: "test", Phase: phase, N: n, Generation: 1}
}

func attemptOf(n int) mapreduce.Attempt { return mapreduce.Attempt{Worker: "test", N: uint32(n + 1)} }

func (r *running) mapSplit(ctx context.Context, n int, split []mapreduce.Batch) error {
	return r.attempt(ctx, taskOf(mapreduce.Map, n), func(ctx context.Context) error {
		if r.job.program.Reducer == nil {
			return r.feed(ctx, split, &r.rows)
		}
		emitted := r.job.sorter(r.cut, r.job.emittedTo(r.cut))
		defer emitted.Close()
		if err := errors.Join(r.feed(ctx, split, emitted), emitted.Err()); err != nil {
			return err
		}
		sorter, err := r.combined(ctx, emitted)
		if err != nil {
			return err
		}
		defer sorter.Close()
		r.maps = append(r.maps, attemptOf(n))
		_, err = sorter.Flush(ctx, shuffle.RunOwner{Task: n, Attempt: attemptOf(n)}, func(partition int, chunk []byte) error {
			r.lanes[partition] = append(r.lanes[partition], chunk)
			return nil
		})
		return err
	})
}

// feed maps the batches of a split. What a mapper was handed is overwritten behind the call: it was valid during that only.
func (r *running) feed(ctx context.Context, split []mapreduce.Batch, out mapreduce.Output) (err error) {
	mapper, err := r.job.program.Mapper(r.job.config.Args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end(mapper)) }()
	for _, batch := range split {
		batch.Data = slices.Clone(batch.Data)
		if err := mapOne(ctx, mapper, batch, out); err != nil {
			return r.job.locate(ctx, batch, err)
		}
		clobber(batch.Data)
	}
	return guard("map, at the end of a split", func() error { return flush(ctx, mapper, out) })
}

func mapOne(ctx context.Context, mapper mapreduce.Mapper, batch mapreduce.Batch, out mapreduce.Output) error {
	where := fmt.Sprintf("map %s, record at byte %d, %.100q", batch.Source, batch.Offset, batch.Data)
	return guard(where, func() error { return mapper.Map(ctx, batch, out) })
}

// locate names the record that a batch fails with: another mapper gets them one by one. None of them may fail alone.
func (j *job) locate(ctx context.Context, batch mapreduce.Batch, cause error) error {
	mapper, err := j.program.Mapper(j.config.Args)
	if err != nil {
		return err
	}
	defer end(mapper)
	for record := range batch.Singles() {
		if err := mapOne(ctx, mapper, record, &rows{}); err != nil {
			return err
		}
	}
	return cause
}

// reduce reduces a partition.
func (r *running) reduce(ctx context.Context, n int) error {
	return r.attempt(ctx, taskOf(mapreduce.Reduce, n), func(ctx context.Context) (err error) {
		reducer, err := r.job.program.Reducer(r.job.config.Args)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, end(reducer)) }()
		before := len(r.rows)
		err = r.groups(ctx, r.lanes[n], func(key []byte, values iter.Seq[[]byte]) error {
			where := fmt.Sprintf("reduce key %.100q", key)
			if err := r.once(key); err != nil {
				return err
			}
			lent := slices.Clone(key)
			defer clobber(lent)
			return guard(where, func() error { return reducer.Reduce(ctx, lent, passing(values), &r.rows) })
		})
		if err != nil {
			return err
		}
		err = guard("reduce, after the last key", func() error { return flush(ctx, reducer, &r.rows) })
		return errors.Join(err, r.job.inOrder(r.rows[before:]))
	})
}

// inOrder holds a program to its word that its rows come sorted.
func (j *job) inOrder(rows [][2]string) error {
	for i := 1; i < len(rows) && j.program.SameKey; i++ {
		if rows[i][0] < rows[i-1][0] {
			return fmt.Errorf("the program says SameKey, and has the row of key %.100q behind that of %.100q", rows[i][0], rows[i-1][0])
		}
	}
	return nil
}

// passing hands over values that are valid until the next one is asked for.
func passing(values iter.Seq[[]byte]) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for value := range values {
			lent := slices.Clone(value)
			more := yield(lent)
			if clobber(lent); !more {
				return
			}
		}
	}
}

// clobber overwrites what nobody may look at any more.
func clobber(data []byte) {
	for i := range data {
		data[i] = '?'
	}
}

// guard makes a panic an error that says where.
func guard(where string, call func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%s: program panicked: %v\n%s", where, cause, debug.Stack())
		}
	}()
	if err = call(); err != nil {
		err = fmt.Errorf("%s: %w", where, err)
	}
	return err
}

func flush(ctx context.Context, keeper any, out mapreduce.Output) error {
	if f, keeps := keeper.(mapreduce.Flusher); keeps {
		return f.Flush(ctx, out)
	}
	return nil
}

func end(keeper any) error {
	if c, closes := keeper.(io.Closer); closes {
		return c.Close()
	}
	return nil
}
