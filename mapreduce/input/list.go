package input

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"jetreduce/mapreduce"
)

// listed is a source of the plan.
type listed struct {
	mapreduce.Source
	cost   int  // bytes that its JSON takes in a chunk
	entire bool // never cut
}

// lister finds what inputs stand for, in one reach.
type lister struct {
	reach Reach
	size  int64 // bytes a split is to hold, about; 0: the job does not say
	disk  disk  // of list
}

// list finds the sources that the inputs stand for, in the order of the inputs.
func list(ctx context.Context, inputs []string, l lister) (sources []listed, err error) {
	if l.disk, err = openDisk(l.reach.Root); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.disk.close()) }()
	if inputs, err = l.disk.expand(inputs); err != nil {
		return nil, err
	}
	for _, input := range inputs {
		found, err := l.find(ctx, input)
		if err != nil {
			return nil, err
		}
		sources = append(sources, found...)
	}
	return sources, nil
}

// find gives the sources of one input: of its scheme, or the files.
func (l lister) find(ctx context.Context, input string) ([]listed, error) {
	scheme, known := l.reach.Schemes[schemeOf(input)]
	if !known {
		return l.files(ctx, input)
	}
	sources, err := l.sources(ctx, scheme, input)
	if err != nil {
		return nil, err
	}
	found := make([]listed, 0, len(sources))
	for _, source := range sources {
		one, err := newListed(source)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}

func (l lister) sources(ctx context.Context, scheme Scheme, input string) ([]mapreduce.Source, error) {
	if sizer, sizes := scheme.(Sizer); sizes && l.size > 0 {
		return sizer.ListSized(ctx, input, l.size)
	}
	return scheme.List(ctx, input)
}

func (l lister) files(ctx context.Context, input string) ([]listed, error) {
	roots, err := l.disk.named(ctx, input)
	if err != nil {
		return nil, err
	}
	paths, err := l.disk.filesUnder(ctx, roots)
	if err != nil {
		return nil, err
	}
	found := make([]listed, 0, len(paths))
	for _, path := range paths {
		file, err := l.disk.look(ctx, path)
		if err != nil {
			return nil, err
		}
		found = append(found, file)
	}
	return found, nil
}

// named gives the files and directories that an input names: the one of that name, else those that match the pattern.
func (d disk) named(ctx context.Context, input string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if input == "" {
		return nil, mapreduce.Permanentf(`input "": an empty name`)
	}
	path, err := Path(input)
	if err != nil {
		return nil, err
	}
	path = d.absolute(path)
	_, err = d.lstat(path)
	if err == nil {
		return []string{path}, nil
	}
	if !absent(err) || !hasMeta(path) {
		return nil, refuse(input, err)
	}
	return d.matching(ctx, input, path)
}

// matching gives what matches the pattern that an input is. Nothing is an error: a misspelt pattern must not look like an
// input without records.
func (d disk) matching(ctx context.Context, input, pattern string) ([]string, error) {
	// All of it is looked at: where a directory is missing the walk would not come to a bad part behind it.
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, refuse(input, err)
	}
	matches, err := d.glob(ctx, pattern)
	if err == nil && len(matches) == 0 {
		err = mapreduce.Permanent(notHere{fmt.Errorf("input %s: nothing matches", input)})
	}
	return matches, err
}

// look takes a file into the plan as it is now, if it can be read.
func (d disk) look(ctx context.Context, path string) (listed, error) {
	name, err := sourceName(path)
	if err != nil {
		return listed{}, err
	}
	if filepath.Base(path) == successName {
		return listed{}, mapreduce.Permanentf("input %s: marks a directory that is whole, and is no data: name the directory, or part-* in it", name)
	}
	id, err := settle(ctx, name, func() (identity, error) { return d.identify(path, name) })
	if err != nil {
		return listed{}, err
	}
	return newListed(mapreduce.Source{Name: name, Size: id.size, Identity: id.String()})
}

func newListed(source mapreduce.Source) (listed, error) {
	if source.Codec == "" {
		source.Codec = codecOf(source.Title())
	}
	source.Whole = source.Whole || source.Codec != ""
	text, err := json.Marshal(source)
	if err != nil {
		return listed{}, fmt.Errorf("input %s: %w", source.Title(), err)
	}
	return listed{Source: source, cost: len(text) + len(","), entire: source.Whole}, nil
}

// prepare makes sure that the source can be cut as asked for.
func (l *listed) prepare(cfg PlanConfig) error {
	if l.Whole {
		if cfg.Blob > 0 {
			return mapreduce.Permanentf("input %s: blobs are cut from plain files only: unpack it, or leave the blob out", l.Title())
		}
		return nil
	}
	l.entire = cfg.Records == mapreduce.Whole
	return checkFixed(l.Source, cfg.Records, l.Size)
}

// identify opens the file: that it may be read is known only then.
func (d disk) identify(path, name string) (identity, error) {
	file, info, err := d.openRegular(path)
	if err != nil {
		return identity{}, refuse(name, err)
	}
	id := identityOf(info)
	if id.size == 0 {
		err = refuseBottomless(file, name)
	}
	if closing := file.Close(); err == nil && closing != nil {
		err = refuse(name, closing)
	}
	return id, err
}

// refuseBottomless refuses a file that claims to be empty and is not, such as those under /proc: its end is not known
// before it is read, so that it would count for nothing.
func refuseBottomless(file *os.File, name string) error {
	n, err := file.Read(make([]byte, 1))
	switch {
	case n > 0:
		return mapreduce.Permanentf("input %s: does not tell its size: copy it to a regular file", name)
	case err != nil && err != io.EOF:
		return refuse(name, err)
	}
	return nil
}
