package mapreducetest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// text is 40 lines in two inputs.
var text = map[string]string{
	"a.txt": strings.Repeat("the fox\nof the den\n\nsees a fox\n", 5),
	"b.txt": strings.Repeat("fox\nthe the\nden of foxes\nend\n", 5),
}

type mapFunc func(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error

func (f mapFunc) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	return f(ctx, batch, out)
}

type reduceFunc func(ctx context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error

func (f reduceFunc) Reduce(ctx context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	return f(ctx, key, values, out)
}

type combineFunc func(acc, value []byte) []byte

func (f combineFunc) Combine(acc, value []byte) []byte { return f(acc, value) }

// words is word count, of words between blanks, which counts lines as well.
func words() mapreduce.Program {
	return mapreduce.Program{
		Name: "words", Combiner: mapreduce.Sum, Reducer: mapreduce.SumReducer, SameKey: true,
		Mapper: mapped(func(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
			for _, line := range batch.Each() {
				mapreduce.Count(ctx, "words", "lines", 1)
				for word := range bytes.FieldsSeq(line) {
					out.Emit(word, mapreduce.One())
				}
			}
			return nil
		}),
	}
}

func mapped(f mapFunc) func(map[string]string) (mapreduce.Mapper, error) {
	return func(map[string]string) (mapreduce.Mapper, error) { return f, nil }
}

func reduced(f reduceFunc) func(map[string]string) (mapreduce.Reducer, error) {
	return func(map[string]string) (mapreduce.Reducer, error) { return f, nil }
}

func TestRunGivesRowsAndCounters(t *testing.T) {
	got := mapreducetest.Run(t, words(), mapreducetest.Config{Inputs: text})
	const want = "a\t5\nden\t10\nend\t5\nfox\t15\nfoxes\t5\nof\t10\nsees\t5\nthe\t20\n"
	if diff := cmp.Diff(want, got.Text()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(mapreduce.Counters{"words,lines": 40}, got.Counters); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if empty := mapreducetest.Run(t, words(), mapreducetest.Config{}); len(empty.Rows) != 0 {
		t.Errorf("of nothing: %q", empty.Rows)
	}
}

// broken are programs that a test of one run would not find out, and what is said of them.
func broken() map[string]mapreduce.Program {
	all := map[string]mapreduce.Program{}
	add := func(says string, change func(p *mapreduce.Program)) {
		p := words()
		change(&p)
		all[says] = p
	}
	add("the answer hangs on how the job is cut: from row", func(p *mapreduce.Program) { // an average of averages
		p.Combiner = combineFunc(func(acc, value []byte) []byte { return varint((number(acc) + number(value)) / 2) })
	})
	add("- [\"a\" \"4\"]\n+ [\"a\" \"5\"]\n- in splits of 2", func(p *mapreduce.Program) { // counts values, as if nobody combined
		p.Reducer = reduced(func(_ context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
			n := 0
			for range values {
				n++
			}
			out.Emit(key, strconv.AppendInt(nil, int64(n), 10))
			return nil
		})
	})
	add("+ in splits of 1 ×", func(p *mapreduce.Program) { // a batch is a matter of chance
		p.Mapper = mapped(func(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
			out.Emit([]byte("batches"), mapreduce.One())
			return nil
		})
	})
	add("group \"the\" comes twice", func(p *mapreduce.Program) { // parts what belongs together
		p.Combiner = nil
		p.KeyOrder = func(dst, key []byte) []byte { return append(dst, key...) }
		p.Mapper = mapped(func(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
			out.Emit(strconv.AppendInt([]byte("the"), batch.Offset, 10), mapreduce.One())
			return nil
		})
		p.Group = func(key []byte) []byte { return key[:3] }
		p.Partition = func(key []byte, partitions int) int { return len(key) % partitions }
	})
	add("- in splits of 2 × 3 records, 3 partitions, with the combiner\n+", func(p *mapreduce.Program) { // drops what is there twice
		p.Combiner = nil
		p.SortedCombiner = sortedCombiner(func(acc, _ []byte) []byte { return acc })
	})
	add("for partition -1 of 3", func(p *mapreduce.Program) { p.Partition = func([]byte, int) int { return -1 } })
	add("says SameKey", func(p *mapreduce.Program) {
		p.Reducer = reduced(func(_ context.Context, key []byte, _ iter.Seq[[]byte], out mapreduce.Output) error {
			slices.Reverse(key)
			out.Emit(key, nil)
			return nil
		})
	})
	add("map a.txt, record at byte 8, \"of the den\\n\": no dens", func(p *mapreduce.Program) {
		p.Mapper = mapped(func(_ context.Context, batch mapreduce.Batch, _ mapreduce.Output) error {
			if bytes.Contains(batch.Data, []byte("den")) {
				return errors.New("no dens")
			}
			return nil
		})
	})
	add("map b.txt, record at byte 4, \"the the\\n\": program panicked: twice", func(p *mapreduce.Program) {
		p.Mapper = mapped(func(_ context.Context, batch mapreduce.Batch, _ mapreduce.Output) error {
			if bytes.Contains(batch.Data, []byte("the the")) {
				panic("twice")
			}
			return nil
		})
	})
	add("reduce key \"a\": no a", func(p *mapreduce.Program) {
		p.Reducer = reduced(func(_ context.Context, key []byte, _ iter.Seq[[]byte], _ mapreduce.Output) error {
			if string(key) == "a" {
				return errors.New("no a")
			}
			return nil
		})
	})
	return all
}

func number(varint []byte) int64 { n, _ := binary.Varint(varint); return n }
func varint(n int64) []byte      { return binary.AppendVarint(nil, n) }

func TestProgramsThatOneRunWouldNotFindOutAreFound(t *testing.T) {
	for want, program := range broken() {
		_, err := mapreducetest.Try(t.Context(), program, mapreducetest.Config{Inputs: text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

// keeper keeps the batches and values that it was lent.
type keeper struct{ kept [][]byte }

func (k *keeper) Map(_ context.Context, batch mapreduce.Batch, _ mapreduce.Output) error {
	for _, line := range batch.Lines() {
		k.kept = append(k.kept, line)
	}
	return nil
}

func (k *keeper) Reduce(_ context.Context, _ []byte, values iter.Seq[[]byte], _ mapreduce.Output) error {
	for value := range values {
		k.kept = append(k.kept, value)
	}
	return nil
}

func (k *keeper) Flush(_ context.Context, out mapreduce.Output) error {
	for _, line := range k.kept {
		out.Emit(line, mapreduce.One())
	}
	return nil
}

func TestWhatWasLentIsGoneBehindTheCall(t *testing.T) {
	kept := words()
	kept.Mapper = func(map[string]string) (mapreduce.Mapper, error) { return &keeper{}, nil }
	got := mapreducetest.Run(t, kept, mapreducetest.Config{Inputs: map[string]string{"a": "fox\nden\n"}})
	if want := [][2]string{{"???", "2"}}; !cmp.Equal(want, got.Rows) {
		t.Errorf("kept lines: %q", got.Rows)
	}
	kept = words()
	kept.Combiner = nil
	kept.Reducer = func(map[string]string) (mapreduce.Reducer, error) { return &keeper{}, nil }
	kept.SameKey = false
	got = mapreducetest.Run(t, kept, mapreducetest.Config{Inputs: map[string]string{"a": "fox\n"}})
	if want := [][2]string{{"?", "\x02"}}; !cmp.Equal(want, got.Rows) {
		t.Errorf("kept values: %q", got.Rows)
	}
}

func TestRecordsFilesAndInputsReachTheProgram(t *testing.T) {
	program := mapreduce.Program{
		Name: "columns",
		Mapper: mapped(func(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
			mark, err := os.ReadFile(mapreduce.TaskOf(ctx).Path("mark"))
			for _, record := range batch.Each() {
				out.Emit(record, mark)
			}
			return err
		}),
	}
	got := mapreducetest.Run(t, program, mapreducetest.Config{
		Inputs:  map[string]string{"b.csv": "x,y\nd,4", "a.csv": "x,y\n\"a\nb\",1\r\nc,2\n"},
		Records: mapreduce.CSVHeader,
		Files:   map[string]string{"mark": "!"},
	})
	want := [][2]string{{"\"a\nb\",1", "!"}, {"c,2", "!"}, {"d,4", "!"}}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	program.Inputs = func(_ map[string]string, names iter.Seq[string]) error {
		return errors.New(strings.Join(slices.Collect(names), "+"))
	}
	_, err := mapreducetest.Try(t.Context(), program, mapreducetest.Config{Inputs: text})
	if err == nil || err.Error() != "inputs: a.txt+b.txt" {
		t.Errorf("inputs that the program refuses: %v", err)
	}
}

// failing is a test that can fail without this one failing.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}
func (f *failing) Fatalf(format string, _ ...any) {
	f.said = format
}

func TestRunFailsTheTest(t *testing.T) {
	f := &failing{TB: t}
	mapreducetest.Run(f, broken()["says SameKey"], mapreducetest.Config{Inputs: text})
	if f.said == "" {
		t.Error("a broken program has passed")
	}
}
