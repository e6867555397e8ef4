package programs

import (
	"context"

	"jetreduce/mapreduce"
)

// frequency counts the values of a field.
func frequency() mapreduce.Program {
	const name = "freq"
	return mapreduce.Program{
		Name: name, Doc: "count the values of a field, or of what a pattern matches", Noun: "values", Numeric: true, SameKey: true,
		Mapper: func(args map[string]string) (mapreduce.Mapper, error) {
			return newValues(arguments{name, args}, "field", "1")
		},
		Combiner: mapreduce.Sum,
		Reducer:  mapreduce.SumReducer,
	}
}

// values emits what a field of each record holds as a key, or several fields together, all with the same value.
type values struct {
	recordwise
	fields *fields
	value  []byte
}

// newValues counts the values of the field that the argument of that name names. Known are arguments beside those of fields.
func newValues(args arguments, field, otherwise string, known ...string) (*values, error) {
	if err := args.takes(append(known, field, "pattern", "separator", "strict")...); err != nil {
		return nil, err
	}
	records, err := newRecordwise(args)
	if err != nil {
		return nil, err
	}
	fields, err := newFields(args, field, otherwise)
	if err != nil {
		return nil, err
	}
	return &values{records, fields, mapreduce.One()}, nil
}

func (m *values) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := m.fields.suit(batch.Records); err != nil {
		return err
	}
	return m.each(ctx, batch, func(record []byte) (string, error) {
		found, lacks := m.fields.cut(batch.Records, record)
		if lacks == "" {
			out.Emit(m.fields.join(batch.Records, found), m.value)
		}
		return lacks, nil
	})
}
