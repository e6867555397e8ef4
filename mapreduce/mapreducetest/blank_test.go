package mapreducetest_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
)

// Blank lines of JSON and of CSV are no records, and what stands behind them is where it is.
func TestBlankLinesAreWhatTheyAreInAJob(t *testing.T) {
	program := mapreduce.Program{
		Name: "places",
		Mapper: mapped(func(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
			for offset, record := range batch.Each() {
				out.Emit(strconv.AppendInt(nil, offset, 10), record)
			}
			return nil
		}),
	}
	for _, c := range []struct {
		records mapreduce.Records
		input   string
		want    [][2]string
	}{
		{mapreduce.NDJSON, "\n1\n\n \t\r\n2\n3", [][2]string{{"1", "1"}, {"8", "2"}, {"10", "3"}}},
		{mapreduce.CSV, "\r\na\n\n\nb\n \n", [][2]string{{"2", "a"}, {"6", "b"}, {"8", " "}}},
		{mapreduce.CSVHeader, "\n\r\nx\n\na\n\nb\n", [][2]string{{"6", "a"}, {"9", "b"}}},
		{mapreduce.CSVHeader, "\n", nil},
		{mapreduce.Lines, "\n\na\n", [][2]string{{"0", ""}, {"1", ""}, {"2", "a"}}},
	} {
		got := mapreducetest.Run(t, program, mapreducetest.Config{Inputs: map[string]string{"in": c.input}, Records: c.records})
		if diff := cmp.Diff(c.want, got.Rows); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", c.records, c.input, diff)
		}
	}
}
