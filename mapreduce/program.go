package mapreduce

import (
	"bytes"
	"context"
	"iter"
)

// Program is a MapReduce program: what a user writes. Its functions must be deterministic; a job that sees two answers
// for one task says so and does not mix them.
//
//	input ─▶ batches of records ─▶ Mapper ─▶ (key, value)… ─▶ [Combiner] ─▶ sort by key ─▶ Reducer ─▶ rows
type Program struct {
	Name string // as typed on the command line
	Doc  string // one line, for `jetreduce programs`

	Noun     string // what a map emits, in the plural, for the closing line: "words"
	Numeric  bool   // the rows' values are decimal numbers: ndjson writes them bare
	Bare     bool   // a row whose value is empty is its key alone: a whole line
	Words    bool   // it reads words, not lines: a batch may begin and end at any white space
	Order    string // of its rows, where the job names none; empty: by bytes, or, map only, that of the input
	Reduces  int    // at most so many partitions, whatever a job asks for, 1: its reducer must see all keys; 0: as many as you like
	Shuffled bool   // its maps emit pairs in an order that is not that of the input: it takes no part where rows come in that
	SameKey  bool   // its reducer gives rows the key of their group: they come sorted, and are not sorted again
	Raw      bool   // map only: a row is a line, which formats with columns split at its first TAB

	// Mapper makes the mapper of one attempt. Args are the job's `--arg`s; an error in them is a usage error.
	Mapper func(args map[string]string) (Mapper, error)
	// Combiner folds the values of one key before they travel; nil keeps every value.
	Combiner Combiner
	// SortedCombiner, instead of a Combiner, is handed all pairs that a map task has emitted, in the order in which a reducer would get
	// them, and emits what travels in their place. What reducers make of it must be the same. Key and value stand during the call.
	SortedCombiner func(ctx context.Context, sorted func(yield func(key, value []byte) error) error, out Output) error
	// Reducer makes the reducer of one attempt; nil: map only, what maps emit is the rows.
	Reducer func(args map[string]string) (Reducer, error)

	// Inputs looks at the names of all inputs before anything is read; nil: any will do. An error fails the job: for what no record can
	// tell, such as that one of two sides is missing.
	Inputs func(args map[string]string, names iter.Seq[string]) error

	// What a secondary sort needs; each may be nil. They must be pure, and are called for each pair.
	//
	// KeyOrder appends to dst what decides the order of keys for a reducer, by its unsigned bytes; ties are broken by the keys' own. Without
	// it keys come in the order of their bytes.
	KeyOrder func(dst, key []byte) []byte
	// Group is the part of a key by which values are grouped: a reducer gets all neighbours that share it in one call, with the key of the
	// first. Keys that share it must be neighbours in the order of keys. Without it the group is the key.
	Group func(key []byte) []byte
	// Partition is which of so many partitions a key belongs to. All keys of a group must get the same. Without it a hash of the group
	// decides.
	Partition func(key []byte, partitions int) int
}

// Mapper turns batches of records into pairs. It is used by one goroutine, for one attempt. One that is an io.Closer is closed in the end,
// however the attempt ended; so is a Reducer.
type Mapper interface {
	// Map handles the batch whole. The batch is valid during the call only.
	Map(ctx context.Context, batch Batch, out Output) error
}

// Reducer turns the group of values that share a key into rows. It is used by one goroutine, for one attempt.
type Reducer interface {
	// Reduce handles one group. Keys come in the order of unsigned bytes; the values of a key in the order of split and
	// position. Key and values are valid during the call, a value until the next one is asked for.
	Reduce(ctx context.Context, key []byte, values iter.Seq[[]byte], out Output) error
}

// Flusher is a Mapper or a Reducer that keeps something back until it has been handed everything. Of what a Mapper keeps back nobody
// can tell whose it is: it is never given a record at a time, and bad records of it are not left out.
type Flusher interface {
	// Flush is called once, after the last batch or group.
	Flush(ctx context.Context, out Output) error
}

// Output takes what a mapper or a reducer makes.
type Output interface {
	// Emit copies key and value, so both may be reused at once. It has no error to check: when the output cannot go on
	// (disk full, cancelled) it remembers that, drops what follows, and the attempt fails after the call.
	Emit(key, value []byte)
}

// Combiner folds values of one key into one. It must be associative and commutative.
type Combiner interface {
	// Combine folds value into acc and returns the result, which may reuse acc's memory.
	Combine(acc, value []byte) []byte
}

// Batch is one or more whole records of one input, back to back in one slice, so that a program that does not care for
// record borders (word count) reads it in one go.
type Batch struct {
	Source  string  // the input's name
	Offset  int64   // of Data[0] in the input, in bytes; of a compressed one behind what unpacks it
	Data    []byte  // whole records, a last line may lack its LF; of a job in blobs whole words
	Records Records // what a record is
}

// Lines yields each line's offset in the input and its bytes without the LF. A CR is a byte of its line.
func (b Batch) Lines() iter.Seq2[int64, []byte] {
	return func(yield func(int64, []byte) bool) {
		rest, offset := b.Data, b.Offset
		for len(rest) > 0 {
			line, after, found := bytes.Cut(rest, lf)
			if !yield(offset, line) {
				return
			}
			rest = after
			offset += int64(len(line))
			if found {
				offset++
			}
		}
	}
}

var lf = []byte{'\n'}
