package shuffle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
)

// Merge streams the records of all runs in the order of key (unsigned bytes, or as the Keying has it), task number and
// position. It is read once, by one goroutine, through Groups or Records.
//
//	       ┌───────────── group of "a" ─────────────┐
//	key    a          a          a          a          b
//	value  task 0 #0  task 0 #1  task 3 #0  task 7 #0  task 1 #0
type Merge struct {
	tree    *tree
	scratch *scratch
	count   int64
	taken   bool // the top of the tree has been given out
	keying  Keying
	key     []byte // of the group under way, as it travels
	lent    []byte // its plain key
	sum     uint64 // of a large key
	shared  []byte // by all keys of that, where the Keying has a Group
	group   int64
	err     error
}

// Merge begins to merge. It takes the collector's place: that can take no more chunks, and closing the Merge closes it
// too. When runs are not all there the error wraps mapreduce.ErrRunsLost and names tasks, and more chunks can be added.
func (c *Collector) Merge(ctx context.Context) (*Merge, error) {
	if c.err != nil {
		return nil, c.err
	}
	if !c.Complete() {
		return nil, c.missing()
	}
	c.err = errTaken
	sources := make([]source, 0, len(c.runs))
	for task := range c.runs {
		if c.wants(task) {
			sources = append(sources, c.runs[task].source(RunOwner{task, c.config.Roster[task]}, c.scratch))
		}
	}
	m, err := newMerge(ctx, sources, c.config.Memory/2, c.scratch)
	if err != nil {
		_ = c.scratch.close() // the first error says more
		return nil, fmt.Errorf("merge runs: %w", err)
	}
	m.keying = c.config.Keying
	return m, nil
}

func newMerge(ctx context.Context, sources []source, memory int64, scratch *scratch) (*Merge, error) {
	sources, err := narrow(ctx, sources, memory, scratch)
	if err != nil {
		return nil, err
	}
	t, err := newTree(open(sources))
	if err != nil {
		return nil, err
	}
	return &Merge{tree: t, scratch: scratch}, nil
}

// Groups calls yield once for each distinct key, in ascending order, or for all neighbours that the Keying groups, with the first key of
// them: what a reducer is to know of the others, such as what they were sorted by, must stand in the values too. Values come in the order
// of key, task and position and are streamed, so there may be more than memory holds; they can be ranged over once, and those that yield
// leaves are skipped. Key and values stand during the call, a value until the next is asked for. An error of yield, or one that cut
// values short, ends Groups.
func (m *Merge) Groups(ctx context.Context, yield func(key []byte, values iter.Seq[[]byte]) error) error {
	for {
		top, err := m.next(ctx)
		if top == nil || err != nil {
			return err
		}
		m.key = append(m.key[:0], top.key...)
		m.group++
		m.taken = false // the group begins with it
		key, err := m.begin()
		if err != nil {
			return err
		}
		err = yield(key, m.values(ctx, m.group))
		if m.err != nil {
			return m.err
		}
		if err != nil {
			return err
		}
		if err := errors.Join(m.skip(ctx), m.unchanged()); err != nil {
			return err
		}
	}
}

// values are those of the group under way. A sequence that outlives its group is empty.
func (m *Merge) values(ctx context.Context, group int64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for m.group == group {
			value, ok := m.value(ctx)
			if !ok || !yield(value) {
				return
			}
		}
	}
}

// value takes the next record if it belongs to the group.
func (m *Merge) value(ctx context.Context) (value []byte, ok bool) {
	top, err := m.next(ctx)
	if top == nil || err != nil || !m.belongs(top.key) {
		m.taken = false
		return nil, false
	}
	return top.value, true
}

// belongs reports whether the group under way has a record with that key.
func (m *Merge) belongs(key []byte) bool {
	if m.keying.Group != nil {
		return m.shares(key)
	}
	return bytes.Equal(key, m.key)
}

// skip takes what the group's consumer has left.
func (m *Merge) skip(ctx context.Context) error {
	for {
		if _, ok := m.value(ctx); !ok {
			return m.err
		}
	}
}

// Records calls yield for each record, in order, with its key as it travels: under a Keying with an Order that is a sort key, and Pairs
// has the plain ones. Key and value stand during the call.
func (m *Merge) Records(ctx context.Context, yield func(key, value []byte) error) error {
	for {
		top, err := m.next(ctx)
		if top == nil || err != nil {
			return err
		}
		if err := yield(top.key, top.value); err != nil {
			return err
		}
	}
}

// Count is the number of records that were read.
func (m *Merge) Count() int64 { return m.count }

// next takes the record behind the one taken last; nil is the end. Its errors stay.
func (m *Merge) next(ctx context.Context) (*head, error) {
	if m.err != nil {
		return nil, m.err
	}
	if m.taken {
		m.count++
		m.err = m.tree.advance()
	}
	if m.count%1024 == 0 && m.err == nil {
		m.err = ctx.Err()
	}
	if m.err != nil {
		m.err = fmt.Errorf("merge runs: %w", m.err)
		return nil, m.err
	}
	top := m.tree.top()
	m.taken = top != nil
	return top, nil
}

// Close frees memory and scratch file. It may be called at any time, and again.
func (m *Merge) Close() error {
	if m.err == nil {
		m.err = errTaken
	}
	m.tree = nil
	return m.scratch.close()
}
