package bus

import (
	"context"
	"errors"
	"fmt"

	"jetreduce/mapreduce"
)

// CarriedInputs reads what clients uploaded: input.Scheme for bus:// URLs.
type CarriedInputs struct{ bus *Bus }

// CarriedInputs are the inputs that this bus carries.
func (b *Bus) CarriedInputs() *CarriedInputs { return &CarriedInputs{b} }

// List gives the files that an input names, in the order in which they were uploaded. An upload that is not whole is
// refused, whatever part of it is named.
func (c *CarriedInputs) List(ctx context.Context, input string) ([]mapreduce.Source, error) {
	u, err := parseCarriedURL(input)
	if err != nil {
		return nil, err
	}
	head, err := c.bus.uploaded(ctx, u.upload)
	if err != nil {
		return nil, fmt.Errorf("input %s: %w", input, err)
	}
	if u.last < 0 {
		u.last = head.Files - 1
	}
	if u.last >= head.Files {
		return nil, mapreduce.Permanentf("input %s: the upload has %d files", input, head.Files)
	}
	files, err := c.files(ctx, u.upload, head)
	if err != nil {
		return nil, fmt.Errorf("input %s: %w", input, err)
	}
	var sources []mapreduce.Source
	for n := u.first; n <= u.last; n++ {
		sources = append(sources, carriedSource(u.upload, n, files[n], head))
	}
	return sources, nil
}

// files reads the parts of a manifest.
func (c *CarriedInputs) files(ctx context.Context, upload string, head manifestHead) ([]mapreduce.Carried, error) {
	var parts [][]byte
	for part := 1; part <= head.Parts; part++ {
		msg, err := c.bus.lastMessage(ctx, c.bus.names.input(upload), c.bus.names.inputManifest(upload, part))
		if errors.Is(err, errGone) {
			err = mapreduce.Permanent(err)
		}
		if err != nil {
			return nil, fmt.Errorf("read manifest part %d of %d: %w", part, head.Parts, err)
		}
		parts = append(parts, msg.Data)
	}
	files, err := head.decode(parts)
	return files, mapreduce.Permanent(err)
}

// Open opens one file of an upload. Nothing is fetched before the first read.
func (c *CarriedInputs) Open(ctx context.Context, source mapreduce.Source) (mapreduce.Content, error) {
	u, err := parseCarriedURL(source.Name)
	if err != nil {
		return mapreduce.Content{}, err
	}
	id, err := parseCarriedIdentity(source.Identity)
	if err != nil || u.first != u.last {
		return mapreduce.Content{}, mapreduce.Permanentf("input %s: no file of an upload: %w", source.Name, err)
	}
	r := newChunkReader(ctx, c.bus, carriedFile{source, u, id})
	return mapreduce.Content{Read: r.readAt, Verify: r.verify, Close: r.close}, nil
}
