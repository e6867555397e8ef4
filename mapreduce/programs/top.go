package programs

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"jetreduce/mapreduce"
)

// top is the most frequent values of a field, the most frequent first. One reducer sees them all, and keeps so many.
func top() mapreduce.Program {
	const name = "top"
	return mapreduce.Program{
		Name: name, Doc: "the n most frequent values of a field, or of what a pattern matches", Noun: "values", Numeric: true,
		Order: "emitted", Reduces: 1,
		Mapper: func(args map[string]string) (mapreduce.Mapper, error) {
			if _, err := newRanking(args); err != nil {
				return nil, err
			}
			return newValues(arguments{name, args}, "field", "1", "n")
		},
		Combiner: mapreduce.Sum,
		Reducer:  func(args map[string]string) (mapreduce.Reducer, error) { return newRanking(args) },
	}
}

// maxTop bounds what a reducer keeps in memory.
const maxTop = 1_000_000

// counted is a value and how often it is there.
type counted struct {
	value []byte
	n     int64
}

// before is the order of rows: the most frequent first, of equally frequent ones by bytes.
func (c counted) before(other counted) int {
	return cmp.Or(cmp.Compare(other.n, c.n), bytes.Compare(c.value, other.value))
}

// ranking keeps the most frequent values, as a heap whose root is the last of them.
type ranking struct {
	most int
	kept []counted
}

func newRanking(args map[string]string) (*ranking, error) {
	most, err := arguments{"top", args}.count("n", 10, maxTop)
	return &ranking{most: most}, err
}

func (r *ranking) Len() int           { return len(r.kept) }
func (r *ranking) Less(i, j int) bool { return r.kept[i].before(r.kept[j]) > 0 }
func (r *ranking) Swap(i, j int)      { r.kept[i], r.kept[j] = r.kept[j], r.kept[i] }
func (r *ranking) Push(c any)         { r.kept = append(r.kept, c.(counted)) }
func (r *ranking) Pop() any           { return nil } // nobody pops

func (r *ranking) Reduce(_ context.Context, key []byte, values iter.Seq[[]byte], _ mapreduce.Output) error {
	one := counted{value: key}
	for value := range values {
		n, size := binary.Varint(value)
		if size != len(value) || size <= 0 {
			return fmt.Errorf("count %q: %x is not a varint", key, value)
		}
		one.n += n
	}
	switch {
	case len(r.kept) < r.most:
		one.value = bytes.Clone(key)
		heap.Push(r, one)
	case one.before(r.kept[0]) < 0:
		one.value = append(r.kept[0].value[:0], key...)
		r.kept[0] = one
		heap.Fix(r, 0)
	}
	return nil
}

// Flush emits them.
func (r *ranking) Flush(_ context.Context, out mapreduce.Output) error {
	slices.SortFunc(r.kept, counted.before)
	for _, one := range r.kept {
		out.Emit(one.value, strconv.AppendInt(nil, one.n, 10))
	}
	return nil
}
