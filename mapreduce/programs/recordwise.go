package programs

import (
	"context"
	"fmt"

	"jetreduce/mapreduce"
)

// recordwise takes a mapper through a batch, record by record, and counts those that it leaves out.
type recordwise struct {
	program string
	strict  bool // what cannot be read is an error
}

// newRecordwise reads the argument strict.
func newRecordwise(args arguments) (recordwise, error) {
	strict, err := args.choice("strict", "0", "1")
	return recordwise{args.program, strict == "1"}, err
}

// each hands over each record. What take says that the record lacks is counted, under the program's name, or an error.
func (r recordwise) each(ctx context.Context, batch mapreduce.Batch, take func(record []byte) (lacks string, err error)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s of %s at %d: %w", r.program, batch.Source, batch.Offset, err)
	}
	for offset, record := range batch.Each() {
		lacks, err := take(record)
		switch {
		case err != nil:
			return fmt.Errorf("record at byte %d: %w", offset, err)
		case lacks != "" && r.strict:
			return fmt.Errorf("record at byte %d: %s in %.100q (without strict=1 it is left out, and counted)", offset, lacks, record)
		case lacks != "":
			mapreduce.Count(ctx, r.program, "left out: "+lacks, 1)
		}
	}
	return nil
}
