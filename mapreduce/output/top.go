package output

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"

	"jetreduce/mapreduce"
)

// Top keeps the rows with the largest values: so many, whatever comes. It is exact: values are decimal numbers of any size, and of equal
// ones those count that come first, which are those whose keys are smaller in the order of the rows. It is not safe for concurrent use.
type Top struct {
	most   int
	raw    bool
	kept   ranking
	seen   int64
	number []byte // of the row at hand
}

// NewTop keeps the n rows of a program with the largest values.
func NewTop(n int, program mapreduce.Program) *Top { return &Top{most: n, raw: program.Raw} }

// Row takes a row, and copies what it keeps of it. A value that is no number is a permanent error.
func (t *Top) Row(key, value []byte) error {
	text := value
	if t.raw && len(value) == 0 {
		_, text, _ = bytes.Cut(key, tab)
	}
	number, ok := appendNumber(t.number[:0], text)
	if !ok {
		return mapreduce.Permanentf("the top %d rows: the value of key %.100q is %.100q, which is no decimal number: "+
			"have the program give numbers, or ask for all rows", t.most, key, text)
	}
	t.number = number
	if cap(number) > keepBuffer {
		t.number = nil // one monstrous number is not paid for until the end
	}
	t.seen++
	switch {
	case len(t.kept) < t.most:
		heap.Push(&t.kept, ranked{t.seen, bytes.Clone(number), bytes.Clone(key), bytes.Clone(value)})
	case t.most > 0 && bytes.Compare(number, t.kept[0].number) > 0:
		least := &t.kept[0]
		*least = ranked{t.seen, refill(least.number, number), refill(least.key, key), refill(least.value, value)}
		heap.Fix(&t.kept, 0)
	}
	return nil
}

// refill copies text into memory that is free, unless that is much larger than what it holds.
func refill(memory, text []byte) []byte {
	if cap(memory) > 4*len(text)+64 {
		memory = nil
	}
	return append(memory[:0], text...)
}

// Rows hands over the rows that were kept, in the order in which they came. The Top is empty then.
func (t *Top) Rows(yield func(key, value []byte) error) error {
	kept := t.kept
	t.kept = nil
	slices.SortFunc(kept, func(a, b ranked) int { return cmp.Compare(a.at, b.at) })
	for _, row := range kept {
		if err := yield(row.key, row.value); err != nil {
			return err
		}
	}
	return nil
}

// ranked is a row that was kept: the how manieth it was, and its number as appendNumber has it.
type ranked struct {
	at                 int64
	number, key, value []byte
}

// ranking is a heap whose first row is the first to go: that with the least number, the latest of those.
type ranking []ranked

func (r ranking) Len() int      { return len(r) }
func (r ranking) Swap(i, j int) { r[i], r[j] = r[j], r[i] }
func (r ranking) Less(i, j int) bool {
	c := bytes.Compare(r[i].number, r[j].number)
	return c < 0 || c == 0 && r[i].at > r[j].at
}
func (r *ranking) Push(row any) { *r = append(*r, row.(ranked)) }

func (r *ranking) Pop() any {
	last := len(*r) - 1
	row := (*r)[last]
	*r = (*r)[:last]
	return row
}
