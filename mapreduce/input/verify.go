package input

import (
	"errors"
	"fmt"
	"os"

	"jetreduce/mapreduce"
)

// planned is an open source together with what the plan says of it.
type planned struct {
	file *os.File
	name string
	path string
	id   identity
}

// openPlanned opens a source, and refuses one that is not what it was when the job was planned.
func openPlanned(source mapreduce.Source) (*planned, error) {
	path, err := localPath(source.Name)
	if err != nil {
		return nil, err
	}
	id, err := parseIdentity(source.Identity)
	if err != nil {
		return nil, mapreduce.Permanentf("input %s: %w", source.Name, err)
	}
	file, info, err := openRegular(path)
	if err != nil {
		return nil, unopened(source.Name, err)
	}
	if what := id.change(identityOf(info)); what != "" {
		return nil, errors.Join(changed(source.Name, what), file.Close())
	}
	return &planned{file, source.Name, path, id}, nil
}

// verify looks at the source again, after its bytes were read. Both are looked at: what the path leads to now (a file
// that was replaced by rename stays as it was for whoever has it open), and the file that the bytes came from.
func (p *planned) verify() error {
	info, err := os.Stat(p.path)
	if err != nil {
		return unopened(p.name, err)
	}
	if !info.Mode().IsRegular() {
		return unopened(p.name, kindError(kind(info.Mode())))
	}
	if what := p.id.change(identityOf(info)); what != "" {
		return changed(p.name, what)
	}
	if info, err = p.file.Stat(); err != nil {
		return fmt.Errorf("input %s: %w", p.name, cause(err))
	}
	if what := p.id.change(identityOf(info)); what != "" {
		return changed(p.name, what)
	}
	return nil
}

// truncated explains why the source ended at offset, before what the plan says.
func (p *planned) truncated(offset int64) error {
	if err := p.verify(); err != nil {
		return err
	}
	return changed(p.name, fmt.Sprintf("ended at byte %d, of %d when the job was planned", offset, p.id.size))
}

// unopened tells a source that is gone from one that only this worker cannot open: the second is not known to be changed.
func unopened(name string, err error) error {
	var kind kindError
	switch {
	case absent(err):
		return changed(name, "is gone, or not on this machine")
	case errors.As(err, &kind):
		return changed(name, fmt.Sprintf("was replaced by %s since the job was planned", string(kind)))
	}
	return fmt.Errorf("input %s: %w", name, cause(err))
}

func changed(name, what string) error {
	return fmt.Errorf("%w: %s: %s", mapreduce.ErrInputChanged, name, what)
}
