package programs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"jetreduce/mapreduce"
)

// join joins the records of two sides by a key. The sides are told apart by the names of inputs. For each key the left records come
// first, and are kept in memory; the right ones pass by.
//
//	group of the key ─▶ side ─▶ (nothing: values of one side stay in the order of the input)
func join() mapreduce.Program {
	return mapreduce.Program{
		Name: "join", Doc: "join the records of two sides by a key: --arg left=GLOB names the inputs of one side", Noun: "records", SameKey: true,
		Mapper: newJoiner,
		Reducer: func(args map[string]string) (mapreduce.Reducer, error) {
			kind, err := joinType(arguments{"join", args})
			return &pairing{kind: kind, most: keepLeft}, err
		},
		Group:  mapreduce.GroupOf,
		Inputs: bothSides,
	}
}

// keepLeft is how many bytes of left records one key may have.
const keepLeft = 64 << 20

// The sides, as they stand in keys and values.
const (
	leftSide  = 'l'
	rightSide = 'r'
)

func joinType(args arguments) (string, error) {
	return args.choice("type", "inner", "left", "right", "outer")
}

// joiner is its mapper.
type joiner struct {
	recordwise
	glob   string
	fields map[byte]*fields // where the key of each side stands
	key    []byte
	value  []byte
}

func newJoiner(given map[string]string) (mapreduce.Mapper, error) {
	args := arguments{"join", given}
	if err := args.takes("left", "type", "key", "left_key", "right_key", "separator", "strict"); err != nil {
		return nil, err
	}
	if given["left"] == "" {
		return nil, errors.New("join: which inputs are the left side? use --arg left=GLOB, which is matched against their names")
	}
	_, badGlob := path.Match(given["left"], "")
	_, badType := joinType(args)
	records, badStrict := newRecordwise(args)
	left, badLeft := sideFields(args, "left_key")
	right, badRight := sideFields(args, "right_key")
	if badGlob != nil {
		badGlob = fmt.Errorf("join: left=%s: %w", given["left"], badGlob)
	}
	for _, err := range []error{badGlob, badType, badStrict, badLeft, badRight} {
		if err != nil {
			return nil, err
		}
	}
	return &joiner{recordwise: records, glob: given["left"], fields: map[byte]*fields{leftSide: left, rightSide: right}}, nil
}

// sideFields is where the key of a side stands.
func sideFields(args arguments, name string) (*fields, error) {
	if _, own := args.given[name]; !own {
		name = "key"
	}
	f, err := newFields(args, name, "1")
	if err == nil && (len(f.names) != 1 || f.numbers != nil && f.numbers[0] == 0) {
		err = fmt.Errorf("join: %s=%s: use one field, from 1 on", name, args.given[name])
	}
	return f, err
}

// sideOf is the side that an input is of.
func sideOf(glob, source string) byte {
	whole, _ := path.Match(glob, source)
	base, _ := path.Match(glob, path.Base(source))
	if whole || base {
		return leftSide
	}
	return rightSide
}

// bothSides refuses inputs that are all of one side: what came of them would look like an answer.
func bothSides(args map[string]string, names iter.Seq[string]) error {
	all := slices.Collect(names)
	lefts := 0
	for _, name := range all {
		if sideOf(args["left"], name) == leftSide {
			lefts++
		}
	}
	shown := mapreduce.Abridge(strings.Join(all, ", "), 200)
	switch lefts {
	case 0:
		return mapreduce.Permanentf("join: no input matches left=%s: there are %s", args["left"], shown)
	case len(all):
		return mapreduce.Permanentf("join: every input matches left=%s, and none is the right side: there are %s", args["left"], shown)
	}
	return nil
}

func (m *joiner) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	side := sideOf(m.glob, batch.Source)
	fields := m.fields[side]
	if err := fields.suit(batch.Records); err != nil {
		return err
	}
	var joined int64
	defer func() {
		mapreduce.Count(ctx, m.program, map[byte]string{leftSide: "left records", rightSide: "right records"}[side], joined)
	}()
	return m.each(ctx, batch, func(record []byte) (string, error) {
		found, lacks := fields.cut(batch.Records, record)
		if lacks != "" {
			return lacks, nil
		}
		joined++
		m.key = append(mapreduce.AppendGroup(m.key[:0], found[0]), side)
		m.value = append(append(m.value[:0], side), fields.rest(batch.Records, record)...)
		out.Emit(m.key, m.value)
		return "", nil
	})
}

// rest is a record without the field that was cut out of it: of JSON the whole record.
func (f *fields) rest(kind mapreduce.Records, record []byte) []byte {
	if kind == mapreduce.NDJSON {
		return record
	}
	n := f.numbers[0] - 1
	others := append(append(f.chosen[:0], f.all[:n]...), f.all[n+1:]...)
	if f.chosen = others; len(others) == 1 && kind.IsCSV() {
		f.row = appendCSV(f.row[:0], others[0], f.comma())
		return f.row
	}
	return f.join(kind, others)
}
