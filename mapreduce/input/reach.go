package input

import (
	"context"

	"jetreduce/mapreduce"
)

// Reach says which inputs can be read. The zero value reads all files of this machine, and nothing else.
type Reach struct {
	// Root is the one directory in which files are read; empty: everywhere. No name, ".." or symbolic link leads out of it,
	// also not one that is put there meanwhile. Paths stay those of the machine; relative ones begin at the root.
	Root string
	// Schemes are the inputs that are no files: scheme of a URL → what reads them.
	Schemes map[string]Scheme
}

// Scheme reads the inputs of one URL scheme. Errors name the input.
type Scheme interface {
	// List gives the sources that an input stands for. Each has a name of the same scheme, by which it can be opened. One whose
	// content pours is Whole; its size, if it is not known, 0.
	List(ctx context.Context, input string) ([]mapreduce.Source, error)
	// Open opens a source for reading; ctx bounds the reads, too.
	Open(ctx context.Context, source mapreduce.Source) (mapreduce.Content, error)
}

// Sizer is what a Scheme may be besides: one that cuts an input into sources itself, and is told how many bytes a split is to hold, about,
// where the job says it.
type Sizer interface {
	ListSized(ctx context.Context, input string, size int64) ([]mapreduce.Source, error)
}

// List gives the sources that the inputs stand for, as Plan lists them: in the order of the inputs, and below a directory
// in that of their names. Errors are those of Plan.
func List(ctx context.Context, inputs []string, reach Reach) ([]mapreduce.Source, error) {
	files, err := list(ctx, inputs, lister{reach: reach})
	if err != nil {
		return nil, err
	}
	sources := make([]mapreduce.Source, 0, len(files))
	for _, file := range files {
		sources = append(sources, file.Source)
	}
	return sources, nil
}

// OpenSource opens a source that was listed, for its bytes as they are stored. Its reads wrap mapreduce.ErrInputChanged where it ends
// too early.
func OpenSource(ctx context.Context, source mapreduce.Source, reach Reach) (mapreduce.Content, error) {
	p, err := openPlanned(ctx, source, reach)
	if err != nil {
		return mapreduce.Content{}, err
	}
	return mapreduce.Content{Read: p.ReadAt, Pour: p.content.Pour, Verify: p.verify, Close: p.close}, nil
}
