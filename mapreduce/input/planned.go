package input

import (
	"context"
	"fmt"
	"io"

	"jetreduce/mapreduce"
)

// planned is an open source together with what the plan says of it.
type planned struct {
	of      mapreduce.Source
	content mapreduce.Content
}

// openPlanned opens a source, and refuses one that is not what it was when the job was planned.
func openPlanned(ctx context.Context, source mapreduce.Source, reach Reach) (*planned, error) {
	open := func() (mapreduce.Content, error) { return openFile(source, reach.Root) }
	if scheme, known := reach.Schemes[schemeOf(source.Name)]; known {
		open = func() (mapreduce.Content, error) { return scheme.Open(ctx, source) }
	}
	content, err := open()
	if err != nil {
		return nil, err
	}
	return &planned{source, content}, nil
}

// ReadAt reads bytes of the source, none behind the end that the plan knows; before it there is no io.EOF.
func (p *planned) ReadAt(data []byte, offset int64) (int, error) {
	want := data[:max(0, min(int64(len(data)), p.of.Size-offset))]
	n, err := p.content.Read(want, offset)
	switch {
	case n < len(want) && err == io.EOF:
		return n, p.truncated(offset + int64(n))
	case n < len(want):
		return n, err // it names the input
	case n < len(data):
		return n, io.EOF
	}
	return n, nil
}

func (p *planned) verify() error { return p.content.Verify() }

func (p *planned) close() error {
	if err := p.content.Close(); err != nil {
		return fmt.Errorf("input %s: %w", p.of.Title(), cause(err))
	}
	return nil
}

// truncated explains why the source ended at offset, before what the plan says.
func (p *planned) truncated(offset int64) error {
	if err := p.verify(); err != nil {
		return err
	}
	return changed(p.of.Title(), fmt.Sprintf("ended at byte %d, of %d when the job was planned", offset, p.of.Size))
}

func changed(name, what string) error {
	return fmt.Errorf("%w: %s: %s", mapreduce.ErrInputChanged, name, what)
}
