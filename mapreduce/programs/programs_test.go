package programs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// pairs keeps what is emitted, in order.
type pairs [][2]string

func (p *pairs) Emit(key, value []byte) { *p = append(*p, [2]string{string(key), string(value)}) }

// mapped is what a program's mapper emits for a text that comes in these batches.
func mapped(tb rapid.TB, mapper mapreduce.Mapper, batches ...[]byte) pairs {
	tb.Helper()
	var out pairs
	offset := int64(0)
	for _, data := range batches {
		batch := mapreduce.Batch{Source: "text", Offset: offset, Data: bytes.Clone(data)}
		if err := mapper.Map(context.Background(), batch, &out); err != nil {
			tb.Fatalf("map: %v", err)
		}
		for i := range batch.Data {
			batch.Data[i] = 'x' // a batch is the mapper's during the call only
		}
		offset += int64(len(data))
	}
	return out
}

// rows is what a run in one go gives: map, group in the order of keys, reduce.
func rows(tb rapid.TB, program mapreduce.Program, batches ...[]byte) pairs {
	tb.Helper()
	mapper, err := program.Mapper(nil)
	if err != nil {
		tb.Fatalf("make mapper: %v", err)
	}
	if program.Reducer == nil { // what maps emit is the rows, sorted
		rows := mapped(tb, mapper, batches...)
		slices.SortStableFunc(rows, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
		return rows
	}
	reducer, err := program.Reducer(nil)
	if err != nil {
		tb.Fatalf("make reducer: %v", err)
	}
	groups := map[string][][]byte{}
	keys := []string{}
	for _, pair := range mapped(tb, mapper, batches...) {
		if _, known := groups[pair[0]]; !known {
			keys = append(keys, pair[0])
		}
		groups[pair[0]] = append(groups[pair[0]], []byte(pair[1]))
	}
	slices.Sort(keys)
	var out pairs
	for _, key := range keys {
		if err := reducer.Reduce(context.Background(), []byte(key), slices.Values(groups[key]), &out); err != nil {
			tb.Fatalf("reduce %q: %v", key, err)
		}
	}
	return out
}

func programNamed(tb testing.TB, name string) mapreduce.Program {
	tb.Helper()
	program, err := builtin(tb).Find(name)
	if err != nil {
		tb.Fatal(err)
	}
	return program
}

func TestProgramsGiveTheirRows(t *testing.T) {
	for _, c := range []struct {
		program, text string
		want          pairs
	}{
		{"wordcount", "The fox.\nthe FOX the\n", pairs{{"fox", "2"}, {"the", "3"}}},
		{"wordcount", " \n", nil},
		{"count", "", nil},
		{"count", "\n", pairs{{"lines", "1"}}},
		{"count", "a\r\n\nb", pairs{{"lines", "3"}}},
		{"identity", "", nil},
		{"identity", "b\t2\na\t1\tx\nb\t1\nc\n\t\n\nb\r", pairs{
			{"", ""}, {"", ""}, {"a", "1\tx"}, {"b", "2"}, {"b", "1"}, {"b\r", ""}, {"c", ""},
		}},
		{"sum", "b\t007\na\t-1\r\nb\t+3\n\t-0\na\t-2\n", pairs{{"", "0"}, {"a", "-3"}, {"b", "10"}}},
		{"sort", "b\na\tx\n\nb\na", pairs{{"", ""}, {"a", ""}, {"a\tx", ""}, {"b", ""}, {"b", ""}}},
		{"sum", "n\t9223372036854775807\nn\t9223372036854775807\nn\t2", pairs{{"n", "18446744073709551616"}}},
	} {
		if diff := cmp.Diff(c.want, rows(t, programNamed(t, c.program), []byte(c.text))); diff != "" {
			t.Errorf("%s of %q (-want +got):\n%s", c.program, c.text, diff)
		}
	}
}

// plainPrograms are those that take no arguments.
func plainPrograms(tb testing.TB) []mapreduce.Program {
	tb.Helper()
	plain := []string{"count", "identity", "sort", "sum", "wordcount"}
	return slices.DeleteFunc(builtin(tb).All(), func(p mapreduce.Program) bool { return !slices.Contains(plain, p.Name) })
}

func TestCuttingAtLinesChangesNoResult(t *testing.T) {
	all := plainPrograms(t)
	all = slices.DeleteFunc(all, func(p mapreduce.Program) bool { return p.Name == "sum" }) // does not take any text
	rapid.Check(t, func(t *rapid.T) {
		text := nasty().Draw(t, "text")
		var batches [][]byte
		for line := range bytes.Lines(text) {
			if len(batches) == 0 || rapid.Bool().Draw(t, "cut") {
				batches = append(batches, nil)
			}
			batches[len(batches)-1] = append(batches[len(batches)-1], line...)
		}
		for _, program := range all {
			if diff := cmp.Diff(rows(t, program, text), rows(t, program, batches...)); diff != "" {
				t.Fatalf("%s of %d batches (-whole +cut):\n%s", program.Name, len(batches), diff)
			}
		}
	})
}

func TestSumRefusesWhatIsNoNumberAndSaysWhere(t *testing.T) {
	for _, line := range []string{"a", "a\t", "a\t1.5", "a\t1\t2", "a\t 1", "a\t-", "a\t0x1", "a\t１"} {
		err := mapperOf(t, "sum").Map(t.Context(), mapreduce.Batch{Offset: 50, Data: []byte("k\t1\n" + line + "\n")}, &pairs{})
		if err == nil || !strings.Contains(err.Error(), "byte 54") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// Numbers of any size, in any order, combined in any grouping, add up to what a big integer says.
func TestSumIsExact(t *testing.T) {
	program := programNamed(t, "sum")
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.StringMatching(`[-+]?[0-9]{1,25}`), 1, 20).Draw(t, "numbers")
		var want big.Int
		for _, number := range numbers {
			n, _ := new(big.Int).SetString(number, 10)
			want.Add(&want, n)
		}
		text := "k\t" + strings.Join(numbers, "\nk\t")
		if diff := cmp.Diff(pairs{{"k", want.String()}}, rows(t, program, []byte(text))); diff != "" {
			t.Error(diff)
		}
		acc, value := []byte("0"), []byte(nil)
		for _, number := range numbers {
			value = append(value[:0], strings.TrimPrefix(number, "+")...)
			acc = program.Combiner.Combine(acc, value)
		}
		if string(acc) != want.String() {
			t.Errorf("combined: %s, want %s", acc, &want)
		}
	})
}

func TestMappersEmitOncePerNoun(t *testing.T) {
	for name, want := range map[string]int{"wordcount": 5, "count": 3, "identity": 3, "sort": 3} {
		got := mapped(t, mapperOf(t, name), []byte("the fox the\n\nof grapes"))
		if len(got) != want {
			t.Errorf("%s emitted %d pairs, want %d", name, len(got), want)
		}
	}
}

func TestArgumentsThatNobodyKnowsAreRefused(t *testing.T) {
	for _, program := range plainPrograms(t) {
		_, err := program.Mapper(map[string]string{"min": "3", "case": ""})
		if want := program.Name + " takes no arguments: leave out case, min"; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", program.Name, err, want)
		}
	}
}

func TestCancelledMapperStopsAndSaysWhere(t *testing.T) {
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	for _, program := range plainPrograms(t) {
		var out pairs
		err := mapperOf(t, program.Name).Map(ctx, mapreduce.Batch{Source: "in.txt", Offset: 7, Data: []byte("a")}, &out)
		if !errors.Is(err, context.Canceled) || !strings.Contains(fmt.Sprint(err), "in.txt at 7") || len(out) != 0 {
			t.Errorf("%s: %v, %d pairs", program.Name, err, len(out))
		}
	}
}
