package programs

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"jetreduce/mapreduce"
)

// Builtin is every program of this package, sorted by name.
func Builtin() []mapreduce.Program {
	return []mapreduce.Program{
		count(), distinct(), frequency(), grep(), identity(), index(), join(), sortLines(), stats(), sum(), timeline(), top(), wordcount(),
	}
}

// Set is programs by name. It never changes once made, so it is safe for concurrent use; the zero Set is empty.
type Set struct {
	sorted []mapreduce.Program // by name
}

// NewSet makes a set, and refuses what could not be found or run: an empty name, a name given twice, no mapper.
func NewSet(programs ...mapreduce.Program) (Set, error) {
	sorted := slices.SortedFunc(slices.Values(programs), func(a, b mapreduce.Program) int {
		return strings.Compare(a.Name, b.Name)
	})
	for i, program := range sorted {
		switch {
		case program.Name == "":
			return Set{}, errors.New("a program has no name")
		case i > 0 && sorted[i-1].Name == program.Name:
			return Set{}, fmt.Errorf("two programs are named %q: rename one", program.Name)
		case program.Mapper == nil:
			return Set{}, fmt.Errorf("program %q has no mapper", program.Name)
		}
	}
	return Set{sorted}, nil
}

// Own is the programs that are not built in: those that only this binary has.
func (s Set) Own() (own []mapreduce.Program) {
	for _, program := range s.sorted {
		if !builtIn(program) {
			own = append(own, program)
		}
	}
	return own
}

// All is the programs, sorted by name. The slice is the caller's.
func (s Set) All() []mapreduce.Program { return slices.Clone(s.sorted) }

// Complete is a job with what follows from its program written out. What no worker could ever run it refuses, and says what to change;
// of programs that another binary has it knows nothing.
func (s Set) Complete(job mapreduce.Job) (mapreduce.Job, error) {
	if job.Program == "" || job.Class != "" {
		return job, nil
	}
	program, err := s.Find(job.Program)
	switch {
	case err != nil:
		return job, err
	case program.Reducer == nil && job.Reduces > 0:
		return job, fmt.Errorf("program %s has no reduce: leave \"reduces\" out", program.Name)
	}
	if builtIn(program) { // code of others is for workers
		if err := try(program, job.Args); err != nil {
			return job, fmt.Errorf("program %s: %w", program.Name, err)
		}
	}
	job.MapOnly = job.MapOnly || program.Reducer == nil
	return job, nil
}

func builtIn(program mapreduce.Program) bool {
	return slices.ContainsFunc(Builtin(), func(built mapreduce.Program) bool { return built.Name == program.Name })
}

// try refuses arguments that each attempt would refuse.
func try(program mapreduce.Program, args map[string]string) error {
	mapper, err := program.Mapper(args)
	if err != nil {
		return err
	}
	if closer, is := mapper.(io.Closer); is {
		defer closer.Close()
	}
	if program.Reducer == nil {
		return nil
	}
	reducer, err := program.Reducer(args)
	if closer, is := reducer.(io.Closer); is && err == nil {
		defer closer.Close()
	}
	return err
}

// Find is the program of that name; the error for an unknown one names those that were probably meant.
func (s Set) Find(name string) (mapreduce.Program, error) {
	at, found := slices.BinarySearchFunc(s.sorted, name, func(program mapreduce.Program, name string) int {
		return strings.Compare(program.Name, name)
	})
	if found {
		return s.sorted[at], nil
	}
	names := make([]string, len(s.sorted))
	for i, program := range s.sorted {
		names[i] = program.Name
	}
	if near := neighbours(name, names); len(near) > 0 {
		return mapreduce.Program{}, fmt.Errorf("unknown program %q: did you mean %s?", name, strings.Join(near, " or "))
	}
	if len(names) == 0 {
		return mapreduce.Program{}, fmt.Errorf("unknown program %q: there is none here", name)
	}
	return mapreduce.Program{}, fmt.Errorf("unknown program %q: use one of %s", name, strings.Join(names, ", "))
}
