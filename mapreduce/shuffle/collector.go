package shuffle

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"jetreduce/mapreduce"
)

// CollectorConfig says whose runs a Collector takes.
type CollectorConfig struct {
	Roster  mapreduce.Roster // the committed attempt of each task
	Sparse  bool             // nothing is wanted of a task whose attempt is zero; else its run is missing
	Keying  Keying           // that of the sorters
	Memory  int64            // bytes: half for chunks that are kept, half for merging; 0: 64 MiB
	Scratch string           // directory for chunks past that; "": os.TempDir()
}

// Collector gathers the runs of committed attempts, from chunks in any order, repeated, and mixed with those of others.
// It is for one goroutine.
type Collector struct {
	config   CollectorConfig
	runs     []run // by task
	complete int   // runs that are all there, or not wanted
	kept     int64 // bytes of chunks in memory
	scratch  *scratch
	err      error // set once it can take no more
}

// run is what has arrived of one task's run.
type run struct {
	chunks  []piece // by seq
	end     int     // number of chunks; 0: the last has not arrived
	trailer Trailer
}

// piece is a chunk's body, in memory or, when that is nil, in the scratch file.
type piece struct {
	seq    int
	raw    int // length when decoded
	stored int // length as it is
	packed bool
	body   []byte
	offset int64
}

// NewCollector makes a Collector that has to be closed, itself or by its Merge.
func NewCollector(config CollectorConfig) *Collector {
	config.Memory = cmp.Or(config.Memory, 64<<20)
	c := &Collector{
		config:  config,
		runs:    make([]run, len(config.Roster)),
		scratch: &scratch{dir: config.Scratch},
	}
	for task := range c.runs {
		if !c.wants(task) {
			c.complete++
		}
	}
	return c
}

// wants reports whether a task's run is to be there.
func (c *Collector) wants(task int) bool { return !c.config.Sparse || !c.config.Roster[task].IsZero() }

// Add takes a chunk, and may keep the slice: the caller must not write to it again. What is not of a committed attempt,
// or was there before, is dropped without an error. A damaged chunk is an error that wraps mapreduce.ErrRunsLost; a good
// copy of it may still be added.
func (c *Collector) Add(chunk []byte) error {
	if c.err != nil {
		return c.err
	}
	parsed, err := ParseChunk(chunk)
	if err != nil {
		return err
	}
	if parsed.Task >= len(c.runs) || c.config.Roster[parsed.Task] != parsed.Attempt {
		return nil
	}
	run := &c.runs[parsed.Task]
	at, known := slices.BinarySearchFunc(run.chunks, parsed.Seq, func(p piece, seq int) int { return p.seq - seq })
	if known {
		return nil
	}
	if err := c.insert(run, at, parsed); err != nil {
		return fmt.Errorf("add chunk %d of task %d, attempt %s: %w", parsed.Seq, parsed.Task, parsed.Attempt, err)
	}
	if run.complete() {
		c.complete++
	}
	return nil
}

func (c *Collector) insert(run *run, at int, chunk Chunk) error {
	if !run.fits(chunk) {
		return fmt.Errorf("the run ends elsewhere: %w", mapreduce.ErrRunsLost)
	}
	kept, err := c.keep(chunk)
	if err != nil {
		return err
	}
	run.chunks = slices.Insert(run.chunks, at, kept)
	if chunk.Last {
		run.end, run.trailer = chunk.Seq+1, chunk.Trailer
	}
	return nil
}

// fits reports whether a chunk can be of the same run as those before: nothing is behind the last, and there is one last.
func (r *run) fits(c Chunk) bool {
	if r.end > 0 {
		return !c.Last && c.Seq < r.end
	}
	n := len(r.chunks)
	return !c.Last || n == 0 || c.Seq > r.chunks[n-1].seq
}

func (r *run) complete() bool { return r.end > 0 && len(r.chunks) == r.end }

// keep puts the body where there is room for it.
func (c *Collector) keep(chunk Chunk) (piece, error) {
	p := piece{seq: chunk.Seq, raw: chunk.raw, stored: len(chunk.body), packed: chunk.packed}
	if c.kept+int64(p.stored) <= c.config.Memory/2 {
		c.kept += int64(p.stored)
		p.body = chunk.body
		return p, nil
	}
	var err error
	p.offset, err = c.scratch.append(chunk.body)
	return p, err
}

// Complete reports whether all runs of the roster that are wanted are all there.
func (c *Collector) Complete() bool { return c.complete == len(c.runs) }

var errTaken = errors.New("collector is merged or closed")

// Close frees memory and scratch file. It may be called at any time, and again; behind Merge it does nothing.
func (c *Collector) Close() error {
	if c.err != nil {
		return nil
	}
	c.err, c.runs = errTaken, nil
	return c.scratch.close()
}

// missing is an error that lists the tasks whose runs are not all there, and names some of them.
func (c *Collector) missing() error {
	const some = 5
	var names []string
	var tasks []int
	for task := range c.runs {
		r := &c.runs[task]
		if r.complete() || !c.wants(task) {
			continue
		}
		if tasks = append(tasks, task); len(tasks) <= some {
			names = append(names, fmt.Sprintf("%d (attempt %s, %d chunks)", task, c.config.Roster[task], len(r.chunks)))
		}
	}
	if lost := len(tasks); lost > some {
		names = append(names, fmt.Sprintf("and %d more", lost-some))
	}
	return mapreduce.RunsLost{Tasks: tasks, Cause: fmt.Errorf("the runs of task %s are not all there", strings.Join(names, ", "))}
}
