package mapreduce_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func varint(n int64) []byte { return binary.AppendVarint(nil, n) }

// collected is an output that keeps its rows.
type collected []string

func (c *collected) Emit(key, value []byte) { *c = append(*c, fmt.Sprintf("%s=%s", key, value)) }

// summed is what the reducer makes of values.
func summed(values ...[]byte) (string, error) {
	reducer, err := mapreduce.SumReducer(nil)
	if err != nil {
		return "", err
	}
	var rows collected
	err = reducer.Reduce(context.Background(), []byte("key"), slices.Values(values), &rows)
	return strings.Join(rows, " "), err
}

func TestOneIsOne(t *testing.T) {
	if !bytes.Equal(mapreduce.One(), varint(1)) {
		t.Errorf("One is %x", mapreduce.One())
	}
}

// Combined in whatever pairs, or not at all, values have one sum.
func TestSumDoesNotDependOnCombining(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Int64Range(math.MinInt32, math.MaxInt32), 1, 20).Draw(t, "numbers")
		var total int64
		var values [][]byte
		for _, n := range numbers {
			total += n
			values = append(values, varint(n))
		}
		for len(values) > 1 && rapid.Bool().Draw(t, "combine") {
			at := rapid.IntRange(0, len(values)-2).Draw(t, "at")
			combined := mapreduce.Sum.Combine(bytes.Clone(values[at]), values[at+1])
			values = slices.Concat(values[:at], [][]byte{combined}, values[at+2:])
		}
		got, err := summed(values...)
		if want := fmt.Sprintf("key=%d", total); err != nil || got != want {
			t.Fatalf("got %q, error %v, want %q", got, err, want)
		}
	})
}

func TestSumTakesTheWholeRange(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 63, 64, -64, -65, math.MaxInt64, math.MinInt64} {
		if got, err := summed(varint(n)); err != nil || got != fmt.Sprintf("key=%d", n) {
			t.Errorf("%d: got %q, error %v", n, got, err)
		}
		if got := mapreduce.Sum.Combine(varint(0), varint(n)); !bytes.Equal(got, varint(n)) {
			t.Errorf("0 and %d combine to %x", n, got)
		}
	}
}

func TestSumOfWhatIsNoNumberIsAnError(t *testing.T) {
	for _, value := range [][]byte{{}, {0x80}, {2, 2}, bytes.Repeat([]byte{0xff}, 11)} {
		got, err := summed(mapreduce.One(), value)
		if err == nil || got != "" || !strings.Contains(err.Error(), `"key"`) {
			t.Errorf("%x: got %q, error %v", value, got, err)
		}
	}
}
