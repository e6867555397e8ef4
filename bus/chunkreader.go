package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"jetreduce/mapreduce"
)

// readAhead is how many chunks are fetched before they are asked for, once reading goes on where it was: that bounds a
// reader's memory, too.
const readAhead = 4

// carriedFile is a file of an upload as the plan knows it.
type carriedFile struct {
	source mapreduce.Source
	url    carriedURL
	id     carriedIdentity
}

// chunkReader reads ranges of a carried file. It is used by one goroutine, and fetches on others.
//
//	chunks   … │ done │ current │ ahead │ ahead │ ahead │ ahead │ …
type chunkReader struct {
	ctx     context.Context
	cancel  context.CancelFunc
	bus     *Bus
	file    carriedFile
	fetches sync.WaitGroup
	ahead   map[int]chan fetchedChunk // being fetched or ready, each gives one
	number  int                       // of the current chunk; -1: none
	current []byte
}

type fetchedChunk struct {
	data []byte
	err  error
}

func newChunkReader(ctx context.Context, bus *Bus, file carriedFile) *chunkReader {
	r := &chunkReader{bus: bus, file: file, ahead: map[int]chan fetchedChunk{}, number: -1}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r
}

func (r *chunkReader) close() error {
	r.cancel()
	r.fetches.Wait()
	r.ahead, r.current = nil, nil
	return nil
}

func (r *chunkReader) readAt(p []byte, offset int64) (int, error) {
	n := 0
	for n < len(p) {
		at := offset + int64(n)
		if at < 0 || at >= r.file.source.Size {
			return n, io.EOF
		}
		if err := r.load(int(at / int64(r.file.id.chunkSize))); err != nil {
			return n, err
		}
		n += copy(p[n:], r.current[at%int64(r.file.id.chunkSize):])
	}
	return n, nil
}

// load makes a chunk the current one. Who asks for the one that follows will ask for more.
func (r *chunkReader) load(number int) error {
	if number == r.number {
		return nil
	}
	want := 1
	if number == r.number+1 {
		want += readAhead
	}
	r.forget(number)
	for next := number; next < number+want && int64(next) < r.chunks(); next++ {
		r.start(next)
	}
	fetched := <-r.ahead[number]
	delete(r.ahead, number)
	if fetched.err != nil {
		r.number = -1
		return fetched.err
	}
	r.number, r.current = number, fetched.data
	return nil
}

// forget drops what was fetched and is not near what is asked for now.
func (r *chunkReader) forget(number int) {
	for ahead := range r.ahead {
		if ahead < number || ahead > number+readAhead {
			delete(r.ahead, ahead)
		}
	}
}

// start fetches a chunk, unless that is under way.
func (r *chunkReader) start(number int) {
	if _, known := r.ahead[number]; known {
		return
	}
	result := make(chan fetchedChunk, 1)
	r.ahead[number] = result
	r.fetches.Go(func() {
		data, err := r.fetch(number)
		result <- fetchedChunk{data, err}
	})
}

func (r *chunkReader) chunks() int64 { return chunksOf(r.file.source.Size, r.file.id.chunkSize) }

// fetch reads one chunk and proves that it is what was uploaded.
func (r *chunkReader) fetch(number int) ([]byte, error) {
	select {
	case r.bus.fetches <- struct{}{}:
		defer func() { <-r.bus.fetches }()
	case <-r.ctx.Done():
		return nil, r.ctx.Err()
	}
	u := r.file.url
	msg, err := r.bus.lastMessage(r.ctx, r.bus.names.input(u.upload), r.bus.names.inputChunk(u.upload, u.first, number))
	where := fmt.Sprintf("input %s: chunk %d of %d", r.file.source.Name, number+1, r.chunks())
	switch {
	case errors.Is(err, errGone):
		return nil, mapreduce.Permanent(fmt.Errorf("%s: the carried input is gone: upload it again: %w", where, err))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", where, err)
	case len(msg.Data) != r.length(number) || msg.Header.Get(sumHeader) != sumOf(msg.Data):
		return nil, fmt.Errorf("%s: is damaged: %d bytes of %d with sum %s, want %q: upload it again", where,
			len(msg.Data), r.length(number), sumOf(msg.Data), msg.Header.Get(sumHeader))
	}
	return msg.Data, nil
}

// length is how many bytes a chunk has.
func (r *chunkReader) length(number int) int {
	size := int64(r.file.id.chunkSize)
	return int(min(size, r.file.source.Size-int64(number)*size))
}

// verify looks whether the upload is still the one that was planned.
func (r *chunkReader) verify() error {
	head, err := r.bus.manifestHead(r.ctx, r.file.url.upload)
	switch {
	case err != nil:
		return fmt.Errorf("input %s: %w", r.file.source.Name, err)
	case head.Digest != r.file.id.manifest:
		return fmt.Errorf("%w: %s: another upload took its place", mapreduce.ErrInputChanged, r.file.source.Name)
	}
	return nil
}
