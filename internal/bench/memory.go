package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// memoryParts is how many times the same file is read: links to it are as good as so many files.
const memoryParts = 10

// memory counts the words of much more text than it may keep, everything in one process.
func memory() Benchmark {
	return Benchmark{
		"memory", "10 GB with 3.0 million different words, --memory 256MiB: resident memory of the whole process at its peak",
		Target{Most: 256 + 150, Unit: "MiB"}, measureMemory,
	}
}

// measureMemory counts text in which stand 2,988,680 words of a vocabulary of 3,000,000.
func measureMemory(ctx context.Context, s *Stage) ([]Row, error) {
	part, err := s.text(Text{Bytes: s.bytes(1e9), Distinct: s.count(3_000_000, 1000)})
	if err != nil {
		return nil, err
	}
	ours, want := s.in("ours.tsv"), s.in("want.tsv")
	args := []string{"run", "wordcount", "--memory", "256MiB", "-o", ours}
	for n := range memoryParts {
		link := s.in(fmt.Sprintf("part-%d.txt", n))
		if err := os.Link(part, link); err != nil {
			return nil, err
		}
		args = append(args, link)
	}
	usage, err := s.measured(ctx, args)
	if err != nil {
		return nil, err
	}
	if err := s.multiplied(ctx, part, want); err != nil {
		return nil, err
	}
	if err := same(ours, want); err != nil {
		return nil, err
	}
	return []Row{atMost("memory", mebibytes(usage.Memory), "MiB", memory().Target.Most)}, nil
}

// multiplied writes what the words of all parts are counted to, by the careful thread over one.
func (s *Stage) multiplied(ctx context.Context, part, to string) error {
	one := s.carefully(part, s.in("baseline.tsv"))
	if _, err := one.run(ctx); err != nil {
		return err
	}
	return multiply(one.Output, to, memoryParts)
}

// measured runs a command line of ours, and returns what its process took.
func (s *Stage) measured(ctx context.Context, args []string) (Usage, error) {
	c, err := s.start("measured", args...)
	if err != nil {
		return Usage{}, err
	}
	return c.wait(ctx)
}

// multiply writes rows with all counts multiplied.
func multiply(from, to string, factor int64) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	rows, out := bufio.NewScanner(in), bufio.NewWriterSize(file, 1<<20)
	for rows.Scan() && err == nil {
		word, count, _ := bytes.Cut(rows.Bytes(), []byte{'\t'})
		var n int64
		if n, err = strconv.ParseInt(string(count), 10, 64); err == nil {
			_, err = fmt.Fprintf(out, "%s\t%d\n", word, n*factor)
		}
	}
	return errors.Join(err, rows.Err(), out.Flush(), file.Close())
}
