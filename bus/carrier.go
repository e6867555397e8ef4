package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// Carrier takes a client's inputs onto the bus: client.Carrier.
type Carrier struct {
	bus    *Bus
	once   bool                   // it may not be alone: see ErrUploadTaken
	stored map[string]storedChunk // what was there when it went on, by subjects
}

// Carrier carries inputs onto this bus, each upload alone.
func (b *Bus) Carrier() *Carrier { return &Carrier{bus: b} }

const (
	largestChunk = 512 << 10
	headroom     = 1 << 10 // of a message, for headers
	sumHeader    = "Jetreduce-Sum"
)

// ChunkSize is how many bytes each chunk of a file has, but its last.
func (c *Carrier) ChunkSize() int {
	return int(min(largestChunk, max(1, c.bus.nc.MaxPayload()-headroom)))
}

// Carry returns the two ends of an upload that was made: push takes over one chunk, which must not be changed after that,
// and may return before it is stored; flush waits until all are. An upload that is not there is a permanent error.
func (c *Carrier) Carry(ctx context.Context, upload string) (push func(file, chunk int, data []byte) error, flush func() error) {
	p := c.publisher(ctx, upload)
	push = func(file, chunk int, data []byte) error {
		msg := &nats.Msg{Subject: c.bus.names.inputChunk(upload, file, chunk), Header: nats.Header{}, Data: data}
		msg.Header.Set(sumHeader, sumOf(data))
		if c.isThere(msg) {
			return nil
		}
		return carryError(upload, p.push(c.bus.names.input(upload), msg))
	}
	return push, func() error { return carryError(upload, p.drain(0)) }
}

func sumOf(data []byte) string { return strconv.FormatUint(xxh3.Hash(data), 16) }

// Complete writes the manifest of an upload whose chunks are all stored: from then on a job may name it.
func (c *Carrier) Complete(ctx context.Context, upload string, files []mapreduce.Carried) error {
	head, parts, err := encodeManifest(c.ChunkSize(), files)
	if err != nil {
		return carryError(upload, err)
	}
	p, stream := c.publisher(ctx, upload), c.bus.names.input(upload)
	for i, part := range parts {
		if err := p.push(stream, &nats.Msg{Subject: c.bus.names.inputManifest(upload, i+1), Data: part}); err != nil {
			return carryError(upload, err)
		}
	}
	if err := p.drain(0); err != nil {
		return carryError(upload, err)
	}
	err = p.push(stream, &nats.Msg{Subject: c.bus.names.inputManifest(upload, 0), Data: head})
	return carryError(upload, errors.Join(err, p.drain(0)))
}

func carryError(upload string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errGone):
		return mapreduce.Permanent(fmt.Errorf("upload %s: it expired or was dropped: upload again: %w", upload, err))
	}
	return fmt.Errorf("upload %s: %w", upload, err)
}
