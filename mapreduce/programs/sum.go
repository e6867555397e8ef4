package programs

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/big"
	"strconv"

	"jetreduce/mapreduce"
)

// sum adds up whole numbers of any size by key.
func sum() mapreduce.Program {
	return mapreduce.Program{
		Name: "sum", Doc: "add up the whole numbers of each key: lines of key TAB number", Noun: "numbers", Numeric: true, SameKey: true,
		Mapper:   func(args map[string]string) (mapreduce.Mapper, error) { return numbers{}, takesNone("sum", args) },
		Combiner: adder{},
		Reducer:  func(args map[string]string) (mapreduce.Reducer, error) { return &adder{}, takesNone("sum", args) },
	}
}

// numbers is its mapper.
type numbers struct{}

func (numbers) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("add up %s at %d: %w", batch.Source, batch.Offset, err)
	}
	for offset, line := range batch.Each() {
		key, number, found := bytes.Cut(bytes.TrimSuffix(line, []byte("\r")), []byte("\t"))
		if !found || !whole(number) {
			return fmt.Errorf("line at byte %d: %.100q is not key TAB whole number", offset, line)
		}
		out.Emit(key, bytes.TrimPrefix(number, []byte("+")))
	}
	return nil
}

// whole reports whether text is a decimal number without a fraction.
func whole(text []byte) bool {
	digits := text
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		digits = text[1:]
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(digits) > 0
}

// adder adds up decimal numbers: its combiner and its reducer. Numbers that do not fit 64 bits are added all the same.
type adder struct{}

func (adder) Combine(acc, value []byte) []byte {
	if len(acc) < 19 && len(value) < 19 { // the sum of two such numbers fits
		a, errA := strconv.ParseInt(string(acc), 10, 64)
		b, errB := strconv.ParseInt(string(value), 10, 64)
		if errA == nil && errB == nil {
			return strconv.AppendInt(acc[:0], a+b, 10)
		}
	}
	var a, b big.Int
	a.SetString(string(acc), 10)
	b.SetString(string(value), 10)
	return a.Add(&a, &b).Append(acc[:0], 10)
}

func (s *adder) Reduce(_ context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	total := []byte("0")
	for value := range values {
		total = s.Combine(total, value)
	}
	out.Emit(key, total)
	return nil
}
