package input

import (
	"errors"
	"fmt"
	"io"
	"os"

	"jetreduce/mapreduce"
)

// plannedFile is an open file together with what the plan says of it.
type plannedFile struct {
	disk disk
	file *os.File
	name string
	path string
	id   identity
}

// openFile opens a source that is a file, and refuses one that is not what it was when the job was planned.
func openFile(source mapreduce.Source, root string) (mapreduce.Content, error) {
	path, err := Path(source.Name)
	if err != nil {
		return mapreduce.Content{}, err
	}
	id, err := parseIdentity(source.Identity)
	if err != nil {
		return mapreduce.Content{}, mapreduce.Permanentf("input %s: %w", source.Title(), err)
	}
	disk, err := openDisk(root)
	if err != nil {
		return mapreduce.Content{}, err
	}
	p := &plannedFile{disk: disk, name: source.Title(), path: disk.absolute(path), id: id}
	if err := p.open(); err != nil {
		return mapreduce.Content{}, errors.Join(err, disk.close())
	}
	return mapreduce.Content{Read: p.read, Verify: p.verify, Close: p.close}, nil
}

func (p *plannedFile) open() error {
	file, info, err := p.disk.openRegular(p.path)
	if err != nil {
		return unopened(p.name, err)
	}
	if what := p.id.change(identityOf(info)); what != "" {
		return errors.Join(changed(p.name, what), file.Close())
	}
	p.file = file
	return nil
}

func (p *plannedFile) read(data []byte, offset int64) (int, error) {
	n, err := p.file.ReadAt(data, offset)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, fmt.Errorf("input %s: read at byte %d: %w", p.name, offset+int64(n), cause(err))
}

// verify looks at the source again, after its bytes were read. Both are looked at: what the path leads to now (a file
// that was replaced by rename stays as it was for whoever has it open), and the file that the bytes came from.
func (p *plannedFile) verify() error {
	info, err := p.disk.stat(p.path)
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

func (p *plannedFile) close() error { return errors.Join(p.file.Close(), p.disk.close()) }

// unopened tells a source that is gone from one that only this worker cannot open: the second is not known to be changed.
func unopened(name string, err error) error {
	var kind kindError
	var outside outsideError
	switch {
	case absent(err):
		return notHere{changed(name, "is gone, or not on this machine")}
	case errors.As(err, &outside):
		return refuse(name, err)
	case errors.As(err, &kind):
		return changed(name, fmt.Sprintf("was replaced by %s since the job was planned", string(kind)))
	}
	return fmt.Errorf("input %s: %w", name, cause(err))
}
