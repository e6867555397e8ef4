package input

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"jetreduce/mapreduce"
)

// listed is a source of the plan, and the bytes that its JSON takes in a chunk.
type listed struct {
	mapreduce.Source
	cost int
}

// list finds the files that the inputs stand for, in the order of the inputs.
func list(ctx context.Context, inputs []string) ([]listed, error) {
	inputs, err := expand(inputs)
	if err != nil {
		return nil, err
	}
	var files []listed
	for _, input := range inputs {
		roots, err := resolve(ctx, input)
		if err != nil {
			return nil, err
		}
		paths, err := filesUnder(ctx, roots)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			file, err := look(ctx, path)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	return files, nil
}

// resolve gives the files and directories that an input names: the one of that name, else those that match the pattern.
func resolve(ctx context.Context, input string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if input == "" {
		return nil, mapreduce.Permanentf(`input "": an empty name`)
	}
	path, err := localPath(input)
	if err != nil {
		return nil, err
	}
	_, err = os.Lstat(path)
	if err == nil {
		return []string{path}, nil
	}
	if !absent(err) || !hasMeta(path) {
		return nil, refuse(input, err)
	}
	return matching(ctx, input, path)
}

// matching gives what matches the pattern that an input is. Nothing is an error: a misspelt pattern must not look like an
// input without records.
func matching(ctx context.Context, input, pattern string) ([]string, error) {
	// All of it is looked at: where a directory is missing the walk would not come to a bad part behind it.
	if _, err := filepath.Match(pattern, ""); err != nil {
		return nil, refuse(input, err)
	}
	matches, err := glob(ctx, pattern)
	if err == nil && len(matches) == 0 {
		err = mapreduce.Permanentf("input %s: nothing matches", input)
	}
	return matches, err
}

// look takes a file into the plan as it is now, if it can be read.
func look(ctx context.Context, path string) (listed, error) {
	name, err := sourceName(path)
	if err != nil {
		return listed{}, err
	}
	id, err := settle(ctx, name, func() (identity, error) { return identify(path, name) })
	if err != nil {
		return listed{}, err
	}
	source := mapreduce.Source{Name: name, Size: id.size, Identity: id.String()}
	text, err := json.Marshal(source)
	if err != nil {
		return listed{}, fmt.Errorf("input %s: %w", name, err)
	}
	return listed{source, len(text) + len(",")}, nil
}

// identify opens the file: that it may be read is known only then.
func identify(path, name string) (identity, error) {
	file, info, err := openRegular(path)
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
