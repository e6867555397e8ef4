package programs

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"

	"jetreduce/mapreduce"
)

// index is an inverted index: of each word, as word count has them, where it is. The places of a word come sorted, since they are part of
// its keys, so that a reducer holds no more than the row that it writes.
//
//	word TAB input [NUL offset, 8 bytes]      no word has a TAB in it
func index() mapreduce.Program {
	return mapreduce.Program{
		Name: "index", Doc: "of each word the inputs that have it, or their records", Noun: "words",
		Mapper:   newIndexer,
		Combiner: single{},
		Reducer:  func(map[string]string) (mapreduce.Reducer, error) { return &places{}, nil },
		Group:    func(key []byte) []byte { return key[:bytes.IndexByte(key, '\t')] },
	}
}

type indexer struct {
	words   Words
	offsets bool
	key     []byte
	place   []byte
}

func newIndexer(given map[string]string) (mapreduce.Mapper, error) {
	args := arguments{"index", given}
	if err := args.takes("where"); err != nil {
		return nil, err
	}
	where, err := args.choice("where", inFile, atOffset)
	return &indexer{offsets: where == atOffset}, err
}

func (m *indexer) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("index %s at %d: %w", batch.Source, batch.Offset, err)
	}
	m.place = appendShown(m.place[:0], batch.Source)
	if !m.offsets {
		m.emit(batch.Data, m.place, out)
		return nil
	}
	source := len(m.place)
	for offset, record := range batch.Each() {
		order := binary.BigEndian.AppendUint64(append([]byte(batch.Source), 0), uint64(offset))
		m.place = strconv.AppendInt(append(m.place[:source], ':'), offset, 10)
		m.emit(record, order, out)
	}
	return nil
}

// emit emits each word of a text, to be sorted by that order.
func (m *indexer) emit(text, order []byte, out mapreduce.Output) {
	m.words.Reset(text)
	for word := m.words.Next(); word != nil; word = m.words.Next() {
		m.key = append(append(m.key[:0], word...), '\t')
		out.Emit(append(m.key, order...), m.place)
	}
}

// appendShown appends the name of an input, in which no control character can be taken for the end of it: %09 is a TAB.
func appendShown(dst []byte, name string) []byte {
	for i := range len(name) {
		if c := name[i]; c < ' ' {
			dst = fmt.Appendf(dst, "%%%02X", c)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// places puts the places of a word into one row, each once, with TABs between.
type places struct{ row, last []byte }

func (r *places) Reduce(_ context.Context, key []byte, values iter.Seq[[]byte], out mapreduce.Output) error {
	if r.last = nil; cap(r.row) > keepBuffer { // a word that is everywhere is not paid for until the end
		r.row = nil
	}
	r.row = r.row[:0]
	for place := range values {
		if r.last != nil && bytes.Equal(place, r.last) {
			continue
		}
		if r.last != nil {
			r.row = append(r.row, '\t')
		}
		begin := len(r.row)
		r.row = append(r.row, place...)
		r.last = r.row[begin:]
	}
	out.Emit(key[:bytes.IndexByte(key, '\t')], r.row)
	return nil
}
