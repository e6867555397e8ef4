package jetreduce_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce"
	"jetreduce/mapreduce/mapreducetest"
)

type (
	name    string
	blob    []byte
	level   int8
	size    uint32
	reading struct {
		At   time.Time
		Tags []string
	}
)

// carried runs a program that emits one key with one value, and is what comes out: as it was, whatever the types are.
func carried[K jetreduce.Key, V any](t *testing.T, key K, value V) {
	t.Helper()
	t.Run(fmt.Sprintf("%T to %T", key, value), func(t *testing.T) {
		program := jetreduce.Program[K, V]{
			Name: "carries",
			Map: func(_ context.Context, _ jetreduce.Record, emit func(K, V)) error {
				emit(key, value)
				return nil
			},
			Reduce: func(_ context.Context, k K, values iter.Seq[V], emit func(key, value any)) error {
				if !gocmp.Equal(k, key) {
					t.Errorf("key %v, not %v", k, key)
				}
				for v := range values {
					if !gocmp.Equal(v, value) {
						t.Errorf("value %v, not %v", v, value)
					}
				}
				emit(k, "")
				return nil
			},
		}
		got := mapreducetest.Run(t, program.Build(), mapreducetest.Config{Inputs: lines("one", "two")})
		if len(got.Rows) != 1 {
			t.Errorf("rows %q, not one", got.Rows)
		}
	})
}

func TestTypesArriveAsTheyWere(t *testing.T) {
	carried(t, "a\x00b", "\xff")
	carried(t, []byte("k"), []byte{0, 1})
	carried(t, -1, math.MinInt)
	carried(t, int8(-128), int8(127))
	carried(t, int16(-7), int16(-7))
	carried(t, int32(1), int32(math.MinInt32))
	carried(t, int64(math.MaxInt64), int64(math.MinInt64))
	carried(t, uint(1), uint(2))
	carried(t, uint8(255), uint8(255))
	carried(t, uint16(1), uint16(65535))
	carried(t, uint32(1), uint32(math.MaxUint32))
	carried(t, uint64(math.MaxUint64), uint64(math.MaxUint64))
	carried(t, name("n\x00"), name("\xff\xfe"))
	carried(t, blob("b"), blob("\xff"))
	carried(t, level(-3), level(-3))
	carried(t, size(3), size(3))
	carried(t, "float", 0.1)
	carried(t, "float", float32(0.1))
	carried(t, "bool", true)
	carried(t, "binary", time.Date(2024, 5, 1, 12, 0, 0, 5, time.UTC))
	carried(t, "json", reading{time.Unix(1, 2).UTC(), []string{"a"}})
	carried(t, "json", map[string]int{"a": 1})
}

func TestRowsAreWrittenAsPeopleReadThem(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{"a", "a"}, {[]byte("b"), "b"}, {-3, "-3"}, {int64(7), "7"}, {uint8(8), "8"}, {0.1, "0.1"}, {float32(0.1), "0.1"},
		{1e21, "1e+21"}, {1234567.0, "1234567"}, {float32(1 << 24), "16777216"}, {-0.00001, "-0.00001"}, {1e-7, "1e-07"},
		{math.NaN(), "NaN"}, {math.Inf(-1), "-Inf"},
		{name("n"), "n"}, {blob("x"), "x"}, {level(-1), "-1"}, {true, "true"}, {nil, ""},
		{time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC), "2024-05-01T12:00:00Z"}, {struct{ A []int }{[]int{1}}, `{"A":[1]}`},
	} {
		program := jetreduce.Program[string, string]{Name: "writes", Map: passing, Reduce: func(_ context.Context, _ string, _ iter.Seq[string],
			emit func(key, value any)) error {
			emit(c.value, c.value)
			return nil
		}}
		got := mapreducetest.Run(t, program.Build(), mapreducetest.Config{Inputs: lines("one")})
		if want := [][2]string{{c.want, c.want}}; !gocmp.Equal(want, got.Rows) {
			t.Errorf("%T: %q, want %q", c.value, got.Rows, want)
		}
	}
}

// passing emits each line as a key.
func passing(_ context.Context, r jetreduce.Record, emit func(string, string)) error {
	emit(r.Text(), r.Input)
	return nil
}

func TestSortKeysSortAsValuesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sorts(t, rapid.String())
		sorts(t, rapid.Int())
		sorts(t, rapid.Int64())
		sorts(t, rapid.Uint64())
		sorts(t, rapid.Int8())
		sorts(t, rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1)})))
		sorts(t, rapid.Float32())
	})
	if zero := jetreduce.Ascending(nil, math.Copysign(0, -1)); !bytes.Equal(zero, jetreduce.Ascending(nil, 0.0)) {
		t.Errorf("-0 sorts as %x", zero)
	}
	if bytes.Compare(jetreduce.Ascending(nil, name("b")), jetreduce.Ascending(nil, name("a"))) <= 0 {
		t.Error("names do not sort")
	}
}

func sorts[X interface {
	jetreduce.Sortable
	cmp.Ordered
}](t *rapid.T, of *rapid.Generator[X]) {
	a, b, c, d := of.Draw(t, "a"), of.Draw(t, "b"), of.Draw(t, "c"), of.Draw(t, "d")
	want := cmp.Or(cmp.Compare(a, b), cmp.Compare(d, c))
	first := jetreduce.Descending(jetreduce.Ascending(nil, a), c)
	second := jetreduce.Descending(jetreduce.Ascending(nil, b), d)
	if got := bytes.Compare(first, second); got != want {
		t.Fatalf("(%v, then %v falling) and (%v, %v) compare as %d, want %d", a, c, b, d, got, want)
	}
}

// minutes is a whole number that has its own way to marshal itself, in which it cannot be added up.
type minutes int64

func (m minutes) MarshalBinary() ([]byte, error) { return []byte{byte(m / 60), byte(m % 60)}, nil }

func (m *minutes) UnmarshalBinary(data []byte) error {
	*m = minutes(data[0])*60 + minutes(data[1])
	return nil
}

func TestSumAddsUpWholeNumbersThatMarshalThemselves(t *testing.T) {
	program := jetreduce.Program[string, minutes]{Name: "adds", Sum: true,
		Map: func(_ context.Context, _ jetreduce.Record, emit func(string, minutes)) error {
			emit("k", 90)
			return nil
		}}
	if got := mapreducetest.Run(t, program.Build(), mapreducetest.Config{Inputs: lines("one", "two")}); got.Text() != "k\t180\n" {
		t.Errorf("rows %q", got.Rows)
	}
	carried(t, "binary", minutes(90))
}

func TestSumThatDoesNotFitItsTypeIsAnError(t *testing.T) {
	wrong(t, int8(100))
	wrong(t, level(100))
	wrong(t, size(1<<31))
}

// wrong runs a program whose Reduce is handed twice a value, which does not fit.
func wrong[V any](t *testing.T, value V) {
	t.Helper()
	program := jetreduce.Program[string, V]{Name: "adds", Sum: true,
		Map: func(_ context.Context, _ jetreduce.Record, emit func(string, V)) error {
			emit("k", value)
			return nil
		},
		Reduce: func(_ context.Context, k string, values iter.Seq[V], emit func(key, value any)) error {
			for v := range values {
				emit(k, v)
			}
			return nil
		}}
	got, err := mapreducetest.Try(t.Context(), program.Build(), mapreducetest.Config{Inputs: lines("one", "two")})
	if err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("%T: %q, %v", value, got.Rows, err)
	}
}
