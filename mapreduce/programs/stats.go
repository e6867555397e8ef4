package programs

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"

	"jetreduce/mapreduce"
)

// stats says of the numbers of each key how many there are, their sum, least, mean and greatest, and percentiles. All is exact, and takes
// no memory to speak of: numbers come sorted, equal ones as one with how often it is there, and before them how many there are in all.
//
//	group of the key ─▶ 0                       value: count
//	                 └▶ 1, order of the number  value: count, number
func stats() mapreduce.Program {
	return mapreduce.Program{
		Name: "stats", Doc: "of the numbers of each key: count, sum, min, mean, max, p50, p90, p99", Noun: "pairs", SameKey: true,
		Mapper:   newMeasures,
		Combiner: tally{},
		Reducer:  func(map[string]string) (mapreduce.Reducer, error) { return &summary{}, nil },
		Group:    mapreduce.GroupOf,
	}
}

// tally adds up the counts that values begin with. What is behind is the same for all values of a compound key.
type tally struct{}

func (tally) Combine(acc, value []byte) []byte {
	a, size := binary.Varint(acc)
	b, _ := binary.Varint(value)
	number := append([]byte(nil), acc[max(0, size):]...)
	return append(binary.AppendVarint(acc[:0], a+b), number...)
}

// measures is the mapper.
type measures struct {
	recordwise
	key, number *fields
	compound    []byte
	value       []byte
}

func newMeasures(given map[string]string) (mapreduce.Mapper, error) {
	args := arguments{"stats", given}
	if err := args.takes("key", "value", "separator", "strict"); err != nil {
		return nil, err
	}
	records, err := newRecordwise(args)
	if err != nil {
		return nil, err
	}
	key, err := newFields(args, "key", "1")
	if err != nil {
		return nil, err
	}
	number, err := newFields(args, "value", "2")
	if err == nil && len(number.names) != 1 {
		err = fmt.Errorf("stats: value=%s: use one field", given["value"])
	}
	return &measures{recordwise: records, key: key, number: number}, err
}

func (m *measures) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	for _, f := range []*fields{m.key, m.number} {
		if err := f.suit(batch.Records); err != nil {
			return err
		}
	}
	return m.each(ctx, batch, func(record []byte) (string, error) {
		found, lacks := m.number.cut(batch.Records, record)
		if lacks != "" {
			return lacks, nil
		}
		number, ok := parseDecimal(found[0])
		if !ok {
			return "no number", nil
		}
		if found, lacks = m.key.cut(batch.Records, record); lacks == "" {
			m.emit(m.key.join(batch.Records, found), number, out)
		}
		return lacks, nil
	})
}

func (m *measures) emit(key []byte, number decimal, out mapreduce.Output) {
	m.compound = mapreduce.AppendGroup(m.compound[:0], key)
	group := len(m.compound)
	out.Emit(append(m.compound, 0), mapreduce.One())
	m.compound = number.appendOrder(append(m.compound[:group], 1))
	m.value = number.appendText(append(m.value[:0], mapreduce.One()...))
	out.Emit(m.compound, m.value)
}

// percents are the percentiles of a row: of n numbers in order the one with rank ⌈n × percent ÷ 100⌉ (nearest rank).
var percents = [3]int64{50, 90, 99}

// summary is the reducer.
type summary struct {
	key, row []byte
}

// measured is what is known of a group so far.
type measured struct {
	count, seen int64
	sum         total
	min, max    []byte
	ranked      [len(percents)][]byte
}

func (r *summary) Reduce(_ context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	r.key = mapreduce.AppendGroupKey(r.key[:0], key)
	var all measured
	for value := range values {
		n, size := binary.Varint(value)
		if size <= 0 {
			return fmt.Errorf("stats of %.100q: %x is not a varint", r.key, value)
		}
		if size == len(value) {
			all.count += n
			continue
		}
		all.add(value[size:], n)
	}
	r.row = strconv.AppendInt(r.row[:0], all.count, 10)
	columns := [][]byte{all.sum.text(), all.min, all.sum.over(all.count, 6), all.max}
	for _, column := range append(columns, all.ranked[:]...) {
		r.row = append(append(r.row, '\t'), column...)
	}
	out.Emit(r.key, r.row)
	return nil
}

// add adds a number that is there so many times, and is not less than those before.
func (m *measured) add(text []byte, times int64) {
	number, _ := parseDecimal(text)
	m.sum.add(number, times)
	if m.seen == 0 {
		m.min = append(m.min, text...)
	}
	m.max = append(m.max[:0], text...)
	before := m.seen
	m.seen += times
	for i, percent := range percents {
		if rank := ceilPercent(m.count, percent); before < rank && rank <= m.seen {
			m.ranked[i] = append(m.ranked[i], text...)
		}
	}
}

// ceilPercent is ⌈n × percent ÷ 100⌉, also where the product would not fit.
func ceilPercent(n, percent int64) int64 { return n/100*percent + (n%100*percent+99)/100 }
