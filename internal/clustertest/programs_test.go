package clustertest_test

import (
	"context"
	"errors"

	"jetreduce/mapreduce"
)

// failing is a mapper that cannot take any record.
type failing struct{}

func (failing) Map(context.Context, mapreduce.Batch, mapreduce.Output) error {
	return errors.New("cannot take this")
}
