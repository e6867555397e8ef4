package jetreduce

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"reflect"

	"jetreduce/mapreduce"
)

// Program is a program with types: keys are K and values V, on their way from Map to Reduce. Only Name and a map are needed.
type Program[K Key, V any] struct {
	Name string // as typed on the command line
	Doc  string // one line, for `jetreduce programs`
	Noun string // what a map emits, in the plural, for the closing line: "words"; empty: "pairs"

	// Map handles one record. A program with arguments, or with something to keep from record to record, has NewMap instead, which is called
	// for each attempt. A program that has neither NewMap nor NewReduce takes no arguments.
	Map    func(ctx context.Context, r Record, emit func(K, V)) error
	NewMap func(args map[string]string) (Mapper[K, V], error)

	// Combine folds two values of a key into one, where the map ran and in any order and grouping; nil: all values travel. It must not
	// keep or change memory of b.
	Combine func(a, b V) V
	// Sum says that values are whole numbers to be added up: it is the fastest combiner, and, where there is no Reduce, the reduce as well.
	Sum bool

	// Reduce handles one key. Values come in the order of the input, or as Sort says, and can be ranged over once. It emits rows: strings,
	// bytes and numbers as they are, text marshalers in their own words, all else as JSON. NewReduce is to Reduce what NewMap is to Map.
	// Without any, and without Sum, the program is map only: what maps emit is the rows, in the order of the input.
	Reduce    func(ctx context.Context, key K, values iter.Seq[V], emit func(key, value any)) error
	NewReduce func(args map[string]string) (Reducer[K, V], error)

	// Sort appends what the values of a key are sorted by, with Ascending and Descending: a secondary sort. Those it calls equal come in the
	// order of the input. There is no combiner then.
	Sort func(dst []byte, value V) []byte
	// Partition is which of so many partitions a key belongs to, from 0; nil: a hash of the key decides.
	Partition func(key K, partitions int) int

	Numeric bool   // the rows' values are numbers: ndjson writes them bare. With Sum alone they are
	Order   string // of the rows where the job names none: "emitted" is as Reduce emits them; empty: by the bytes of their keys
	Reduces int    // at most so many partitions, 1: one reducer sees all keys; 0: as many as the job likes
}

// Mapper is a map that keeps something. There is one for each attempt of a task. It may have more methods, which are called before the
// first record, behind the last one, and in the end, whatever that was:
//
//	Start(ctx context.Context) error                       to read files that the job ships along
//	Flush(ctx context.Context, emit func(K, V)) error      to emit what was kept; no record of such a mapper can be skipped
//	Close() error
type Mapper[K Key, V any] interface {
	Map(ctx context.Context, r Record, emit func(K, V)) error
}

// Reducer is a reduce that keeps something. There is one for each attempt of a task. It may have the same other methods as a Mapper, but
// that its Flush emits rows: emit func(key, value any).
type Reducer[K Key, V any] interface {
	Reduce(ctx context.Context, key K, values iter.Seq[V], emit func(key, value any)) error
}

// Build makes the program that Main takes. It panics when the program contradicts itself: that is a slip in the source, not in a job.
//
// What Program has no field for can be set in what Build returns, such as KeyOrder and Group, which see keys as bytes: strings and bytes as
// they are, whole numbers in eight bytes that sort as the numbers do. Who sets KeyOrder must set SameKey to false: then rows do not come
// sorted.
func (p Program[K, V]) Build() mapreduce.Program {
	if wrong := p.wrong(); wrong != "" {
		panic(fmt.Sprintf("jetreduce: program %q: %s", p.Name, wrong))
	}
	b := building[K, V]{program: p, keys: keyCodec[K](), values: valueCodec[V](p.Sum)}
	built := mapreduce.Program{
		Name: p.Name, Doc: p.Doc, Noun: cmp.Or(p.Noun, "pairs"), Numeric: p.Numeric, Order: p.Order, Reduces: p.Reduces,
		Mapper: b.newMapper,
	}
	b.shuffle(&built)
	switch {
	case p.reduces():
		built.Reducer = b.newReducer
	case p.Sum && isText(reflect.TypeFor[K]()): // a key is as it is written, so rows come in the order of keys
		built.Numeric, built.SameKey, built.Reducer = true, true, mapreduce.SumReducer
	case p.Sum:
		built.Numeric, built.Reducer = true, b.newAdder
	default:
		b.keys, b.values = textCodec[K](), textCodec[V]()
		built.Mapper = b.newMapper
	}
	return built
}

func (p Program[K, V]) reduces() bool { return p.Reduce != nil || p.NewReduce != nil }

// wrong is how the program contradicts itself.
func (p Program[K, V]) wrong() string {
	var v V
	mapOnly := !p.reduces() && !p.Sum
	switch {
	case p.Name == "":
		return "it has no name"
	case (p.Map == nil) == (p.NewMap == nil):
		return "it needs a Map or a NewMap, and not both"
	case p.Reduce != nil && p.NewReduce != nil:
		return "it has a Reduce and a NewReduce: leave one out"
	case p.Sum && p.Combine != nil:
		return "it has Sum and a Combine: leave one out"
	case p.Sum && !isWhole(v):
		return fmt.Sprintf("Sum adds up whole numbers, not %T", v)
	case p.Sort != nil && (p.Sum || p.Combine != nil):
		return "it sorts values and combines them: leave out Sort, or Sum and Combine"
	case mapOnly && (p.Combine != nil || p.Sort != nil || p.Partition != nil):
		return "without a Reduce it is map only: there is nothing to combine, sort or part"
	}
	return ""
}
