package mapreduce

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"
)

// Sum is the combiner of counting programs: values are varints (encoding/binary, zig-zag), folded by addition. The
// shuffle knows it and keeps such values as integers in its table.
var Sum Combiner = sum{}

// One is the value 1 as Sum reads it.
func One() []byte { return []byte{2} }

// Ones is an Output that takes many of the value One at once. What comes of it, and the records that are counted, are as if each had
// been emitted.
type Ones interface {
	EmitOnes(key []byte, n int64)
}

// EmitOnes emits One for a key so many times.
func EmitOnes(out Output, key []byte, n int64) {
	if at, ok := out.(Ones); ok {
		at.EmitOnes(key, n)
		return
	}
	one := One()
	for range n {
		out.Emit(key, one)
	}
}

type sum struct{}

func (sum) Combine(acc, value []byte) []byte {
	a, _ := binary.Varint(acc)
	b, _ := binary.Varint(value)
	return binary.AppendVarint(acc[:0], a+b)
}

// SumReducer makes the reducer that goes with Sum: one row a key, the total as a decimal number.
func SumReducer(map[string]string) (Reducer, error) { return &sumReducer{}, nil }

type sumReducer struct{ text []byte }

func (r *sumReducer) Reduce(_ context.Context, key []byte, values iter.Seq[[]byte], out Output) error {
	var total int64
	for value := range values {
		n, size := binary.Varint(value)
		if size != len(value) || size <= 0 {
			return fmt.Errorf("sum %q: %x is not a varint", key, value)
		}
		total += n
	}
	r.text = strconv.AppendInt(r.text[:0], total, 10)
	out.Emit(key, r.text)
	return nil
}
