package mapreducetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// Config is the job; the zero value has no input.
type Config struct {
	Args    map[string]string
	Inputs  map[string]string // what each input holds, by its name; in a job they come in the order of their names
	Records mapreduce.Records // what a record is; none: a line
	Files   map[string]string // what the job ships along, by name: see TaskContext.Path

	Log func(line string) // takes what the program says beside its output; nil: Run logs it in the test, Try drops it
}

// Result is what a job gives.
type Result struct {
	Rows     [][2]string        // key and value, in the order in which a result has them
	Counters mapreduce.Counters // of the first run
}

// Text is the rows as a result in TSV has them, but that all have a TAB.
func (r Result) Text() string {
	var text strings.Builder
	for _, row := range r.Rows {
		text.WriteString(row[0] + "\t" + row[1] + "\n")
	}
	return text.String()
}

// Run is what the program makes of the inputs. The test fails when it fails, or when the answer hangs on how the job is cut.
func Run(t testing.TB, program mapreduce.Program, config Config) Result {
	t.Helper()
	if config.Log == nil {
		config.Log = func(line string) { t.Log(line) }
	}
	result, err := Try(t.Context(), program, config)
	if err != nil {
		t.Fatalf("%s: %v", program.Name, err)
	}
	return result
}

// Try is Run without a test, for an example, or for a test that wants to see an error: it returns what Run has the test fail with.
func Try(ctx context.Context, program mapreduce.Program, config Config) (result Result, err error) {
	dir, err := os.MkdirTemp("", "mapreducetest-")
	if err != nil {
		return Result{}, fmt.Errorf("make room for files: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	job, err := newJob(program, config, dir)
	if err != nil {
		return Result{}, err
	}
	return job.answer(ctx)
}

// answer is that of all runs.
func (j *job) answer(ctx context.Context) (Result, error) {
	cuts := j.cuts()
	first := cuts[0]
	result, err := j.run(ctx, first)
	if err != nil {
		return Result{}, fmt.Errorf("in %s: %w", first, err)
	}
	for _, cut := range cuts[1:] {
		other, err := j.run(ctx, cut)
		if err != nil {
			return Result{}, fmt.Errorf("in %s, as it did not in %s: %w", cut, first, err)
		}
		if difference := j.compare(result.Rows, other.Rows); difference != "" {
			return Result{}, fmt.Errorf("the answer hangs on how the job is cut: %s\n- in %s\n+ in %s", difference, first, cut)
		}
	}
	return result, nil
}

// newJob lays out the files, and asks the program what can be asked before it runs.
func newJob(program mapreduce.Program, config Config, dir string) (*job, error) {
	j := &job{program: program, config: config, dir: dir}
	for name, text := range config.Files {
		if err := os.WriteFile(filepath.Join(j.dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("lay out file %s: %w", name, err)
		}
	}
	names := slices.Sorted(maps.Keys(config.Inputs))
	for _, name := range names {
		j.records = append(j.records, j.cutRecords(name)...)
	}
	if program.Inputs != nil {
		if err := program.Inputs(config.Args, slices.Values(names)); err != nil {
			return nil, fmt.Errorf("inputs: %w", err)
		}
	}
	return j, nil
}

// cutRecords are the records of an input, each a batch. Blank lines of JSON and CSV are none, as in a job, nor is the row that names the
// columns.
func (j *job) cutRecords(name string) []mapreduce.Batch {
	whole := mapreduce.Batch{Source: name, Data: []byte(j.config.Inputs[name]), Records: j.config.Records}
	records := slices.DeleteFunc(slices.Collect(whole.Singles()), blank)
	if j.config.Records == mapreduce.CSVHeader && len(records) > 0 {
		records = records[1:]
	}
	return records
}

func blank(one mapreduce.Batch) bool {
	switch {
	case one.Records == mapreduce.NDJSON:
		return len(bytes.Trim(one.Data, " \t\r\n")) == 0
	case one.Records.IsCSV():
		return string(one.Data) == "\n" || string(one.Data) == "\r\n" || string(one.Data) == "\r"
	}
	return false
}

// compare says where two answers differ. Rows in the order in which they were emitted come in another one from other partitions.
func (j *job) compare(a, b [][2]string) string {
	if j.program.Order == emitted && j.program.Reduces != 1 || j.program.Reducer == nil && j.program.Shuffled {
		a, b = slices.Clone(a), slices.Clone(b)
		slices.SortFunc(a, compareRows)
		slices.SortFunc(b, compareRows)
	}
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return fmt.Sprintf("from row %d on\n- has no more rows\n+ %q", i+1, b[i])
		case i >= len(b):
			return fmt.Sprintf("from row %d on\n- %q\n+ has no more rows", i+1, a[i])
		case a[i] != b[i]:
			return fmt.Sprintf("from row %d on\n- %q\n+ %q", i+1, a[i], b[i])
		}
	}
	return ""
}

func compareRows(a, b [2]string) int { return slices.Compare(a[:], b[:]) }
