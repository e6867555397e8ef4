package jetreduce_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"jetreduce"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
)

// keeps counts lines, and tells in the end.
type keeps struct {
	lines int64
	calls *[]string
}

func (k *keeps) Start(context.Context) error {
	*k.calls = append(*k.calls, "start")
	return nil
}

func (k *keeps) Map(_ context.Context, _ jetreduce.Record, _ func(string, int64)) error {
	k.lines++
	return nil
}

func (k *keeps) Flush(_ context.Context, emit func(string, int64)) error {
	*k.calls = append(*k.calls, "flush")
	emit("lines", k.lines)
	return nil
}

func (k *keeps) Close() error {
	*k.calls = append(*k.calls, "close")
	return nil
}

// best keeps the largest sum.
type best struct {
	key string
	n   int64
}

func (b *best) Reduce(_ context.Context, key string, values iter.Seq[int64], _ func(key, value any)) error {
	var n int64
	for value := range values {
		n += value
	}
	if n > b.n {
		b.key, b.n = key, n
	}
	return nil
}

func (b *best) Flush(_ context.Context, emit func(key, value any)) error {
	emit(b.key, b.n)
	return nil
}

func TestMappersAndReducersMayKeepSomething(t *testing.T) {
	var calls []string
	program := jetreduce.Program[string, int64]{
		Name:   "keeps",
		NewMap: func(map[string]string) (jetreduce.Mapper[string, int64], error) { return &keeps{calls: &calls}, nil },
		Sum:    true,
		NewReduce: func(map[string]string) (jetreduce.Reducer[string, int64], error) {
			return &best{}, nil
		},
		Reduces: 1,
	}
	got := mapreducetest.Run(t, program.Build(), mapreducetest.Config{Inputs: lines(strings.Split(strings.Repeat("x", 20), "")...)})
	if want := [][2]string{{"lines", "20"}}; !gocmp.Equal(want, got.Rows) {
		t.Errorf("rows %q", got.Rows)
	}
	if text := strings.Join(calls, " "); !strings.HasPrefix(text, "start flush close start flush close") {
		t.Errorf("calls: %s", text)
	}
	mapper, err := program.Build().Mapper(nil)
	if _, flushes := mapper.(mapreduce.Flusher); !flushes || err != nil {
		t.Errorf("a mapper with a Flush is none, %v", err)
	}
	plain := jetreduce.Program[string, string]{Name: "plain", Map: passing}
	mapper, err = plain.Build().Mapper(nil)
	if _, flushes := mapper.(mapreduce.Flusher); flushes || err != nil {
		t.Errorf("a mapper without a Flush has one, %v", err)
	}
}

func TestContradictionsAreRefusedWhenBuilt(t *testing.T) {
	fold := func(a, _ int64) int64 { return a }
	each := func(context.Context, jetreduce.Record, func(string, int64)) error { return nil }
	made := func(map[string]string) (jetreduce.Mapper[string, int64], error) { return nil, nil }
	reduce := func(context.Context, string, iter.Seq[int64], func(key, value any)) error { return nil }
	again := func(map[string]string) (jetreduce.Reducer[string, int64], error) { return nil, nil }
	order := func(dst []byte, _ int64) []byte { return dst }
	type program = jetreduce.Program[string, int64]
	for want, p := range map[string]program{
		"it has no name":                      {Map: each},
		"it needs a Map or a NewMap":          {Name: "p"},
		"and not both":                        {Name: "p", Map: each, NewMap: made},
		"it has a Reduce and a NewReduce":     {Name: "p", Map: each, Reduce: reduce, NewReduce: again},
		"it has Sum and a Combine":            {Name: "p", Map: each, Sum: true, Combine: fold},
		"it sorts values and combines them":   {Name: "p", Map: each, Sort: order, Sum: true},
		"there is nothing to combine":         {Name: "p", Map: each, Combine: fold},
		"program \"p\": without a Reduce it ": {Name: "p", Map: each, Sort: order},
	} {
		if got := panicOf(func() { p.Build() }); !strings.Contains(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	floats := jetreduce.Program[string, float64]{Name: "p", Sum: true}
	floats.Map = func(context.Context, jetreduce.Record, func(string, float64)) error { return nil }
	if got := panicOf(func() { floats.Build() }); !strings.Contains(got, "Sum adds up whole numbers, not float64") {
		t.Error(got)
	}
}

func panicOf(call func()) (said string) {
	defer func() { said = fmt.Sprint(recover()) }()
	call()
	return ""
}

func TestMistakesAreToldAndNotIgnored(t *testing.T) {
	failing := errors.New("no luck")
	for want, p := range map[string]jetreduce.Program[string, any]{
		"method Flush of jetreduce_test.mistaken is func() error: make it func(ctx context.Context, emit func(K, V)) error": {
			NewMap: func(map[string]string) (jetreduce.Mapper[string, any], error) { return mistaken{}, nil },
		},
		"p takes no arguments": {Map: func(context.Context, jetreduce.Record, func(string, any)) error { return nil }},
		"map input.txt, record at byte 4, \"two\\n\": record at byte 4: no luck": {
			NewMap: func(map[string]string) (jetreduce.Mapper[string, any], error) { return fails{failing}, nil },
		},
		"record at byte 0: json: unsupported type": {
			NewMap: func(map[string]string) (jetreduce.Mapper[string, any], error) { return emits{}, nil },
			Reduce: func(context.Context, string, iter.Seq[any], func(key, value any)) error { return nil },
		},
	} {
		p.Name = "p"
		config := mapreducetest.Config{Inputs: lines("one", "two"), Args: map[string]string{"x": "y"}} // which a NewMap may know
		if _, err := mapreducetest.Try(t.Context(), p.Build(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

func TestArgumentsReachNewReduceBesideAPlainMap(t *testing.T) {
	program := jetreduce.Program[string, string]{Name: "p", Map: passing,
		NewReduce: func(args map[string]string) (jetreduce.Reducer[string, string], error) { return named(args["x"]), nil }}
	got, err := mapreducetest.Try(t.Context(), program.Build(), mapreducetest.Config{Inputs: lines("one"), Args: map[string]string{"x": "y"}})
	if err != nil || got.Text() != "one\ty\n" {
		t.Errorf("%q, %v", got.Rows, err)
	}
}

// named emits itself for each key.
type named string

func (n named) Reduce(_ context.Context, key string, _ iter.Seq[string], emit func(key, value any)) error {
	emit(key, n)
	return nil
}

func TestSortThatDoesNotAppendIsTold(t *testing.T) {
	program := jetreduce.Program[string, string]{Name: "p", Map: passing,
		Sort:   func(_ []byte, value string) []byte { return jetreduce.Ascending(nil, value) },
		Reduce: func(context.Context, string, iter.Seq[string], func(key, value any)) error { return nil },
	}
	_, err := mapreducetest.Try(t.Context(), program.Build(), mapreducetest.Config{Inputs: lines("one", "two")})
	if err == nil || !strings.Contains(err.Error(), "p: Sort has not appended to dst") || !mapreduce.IsPermanent(err) {
		t.Errorf("%v", err)
	}
}

// mistaken has a method that nobody would call.
type mistaken struct{}

func (mistaken) Map(context.Context, jetreduce.Record, func(string, any)) error { return nil }
func (mistaken) Flush() error                                                   { return nil }

type fails struct{ with error }

func (f fails) Map(_ context.Context, r jetreduce.Record, _ func(string, any)) error {
	if r.Offset > 0 {
		return f.with
	}
	return nil
}

type emits struct{}

func (emits) Map(_ context.Context, _ jetreduce.Record, emit func(string, any)) error {
	emit("", func() {})
	return nil
}

// A combiner of bytes may return what it was given: nothing is written over it.
func TestCombinersOfBytesMayReturnWhatTheyWereGiven(t *testing.T) {
	longest := func(a, b []byte) []byte {
		if len(b) > len(a) || len(b) == len(a) && bytes.Compare(b, a) > 0 {
			return b
		}
		return a
	}
	program := jetreduce.Program[string, []byte]{
		Name: "longest",
		Map: func(_ context.Context, r jetreduce.Record, emit func(string, []byte)) error {
			for _, word := range r.Fields() {
				emit(word[:1], []byte(word))
			}
			return nil
		},
		Combine: longest,
		Reduce: func(_ context.Context, key string, values iter.Seq[[]byte], emit func(key, value any)) error {
			var all []byte
			for value := range values {
				all = bytes.Clone(longest(all, value))
			}
			emit(key, all)
			return nil
		},
	}
	got := mapreducetest.Run(t, program.Build(), mapreducetest.Config{Inputs: lines("a abc abcd", "b", "abce ab", "bb ba", "ac")})
	if want := "a\tabce\nb\tbb\n"; got.Text() != want {
		t.Errorf("%q, want %q", got.Text(), want)
	}
}

func TestRecordsAreReadAsWhatTheyAre(t *testing.T) {
	r := jetreduce.Record{Data: []byte(`a,"b ""c""", d`)}
	if fields, err := r.CSV(); err != nil || strings.Join(fields, "|") != `a|b "c"| d` {
		t.Errorf("csv: %q, %v", fields, err)
	}
	if _, err := (jetreduce.Record{Data: []byte(`"a`)}).CSV(); err == nil {
		t.Error("csv with half a quote is read")
	}
	want := mapreduce.Message{Stream: "S", Seq: 7, Time: time.Unix(1, 0).UTC(), Subject: "s.x", Data: []byte("hello")}
	if m, err := (jetreduce.Record{Data: mapreduce.AppendMessage(nil, want)}).Message(); err != nil || !gocmp.Equal(want, m) {
		t.Errorf("message: %+v, %v", m, err)
	}
}
