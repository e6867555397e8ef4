package web

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
)

// reader reads a planned resource, through one request after another. It is used by one goroutine.
//
// Who reads on is given more with each request, so that a long stretch takes few of them, and a jump, such as the plan makes
// from border to border, fetches only what it reads:
//
//	answers   ┃ 1 MiB ┃  2 MiB  ┃     4 MiB     ┃ …  64 MiB each
//	                       ^ next   ^ end
type reader struct {
	ctx      context.Context
	resource *resource
	planned  identity
	whole    bool // without ranges: each request begins at the beginning
	patience patience

	answer    *answer // open, or nil
	next, end int64   // of what it has still to give, as offsets
	window    int64   // bytes that were asked for last
	ended     bool    // the last answer ended where it should

	since int64 // bytes since the last break
}

const (
	leastWindow = 64 << 10
	maxWindow   = 64 << 20
	noEnd       = math.MaxInt64
)

// readAt reads as io.ReaderAt does.
func (r *reader) readAt(p []byte, offset int64) (int, error) {
	n := 0
	for n < len(p) {
		at := offset + int64(n)
		if at < 0 || at >= r.planned.size {
			return n, io.EOF
		}
		some, err := r.some(p[n:], at)
		n += some
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// pour reads a resource from its beginning to its end.
type pour struct{ *reader }

func (p pour) Read(data []byte) (int, error) {
	if len(data) == 0 {
		return 0, nil
	}
	n, err := 0, error(nil)
	if !p.ended {
		n, err = p.some(data, max(0, p.next))
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// some reads at least one byte at an offset, whatever breaks meanwhile, within patience; none where the resource ends.
func (r *reader) some(p []byte, at int64) (int, error) {
	for {
		n, err := r.try(p, at)
		r.since += int64(n)
		if err == io.EOF {
			return n, err
		}
		if err != nil {
			r.drop()
			err = r.broke(err)
		}
		if err != nil || n > 0 || r.ended {
			return n, err
		}
	}
}

// broke waits after a break, if there is hope.
func (r *reader) broke(err error) error {
	if r.since >= progress {
		r.patience.tries = 0
	}
	r.since = 0
	return r.patience.again(r.ctx, err)
}

// try reads some bytes of the open answer, or of a new one.
func (r *reader) try(p []byte, at int64) (int, error) {
	if r.answer == nil || r.next != at {
		if err := r.open(at, int64(len(p))); err != nil {
			return 0, err
		}
	}
	n, err := r.answer.Read(p[:min(int64(len(p)), r.end-r.next)])
	r.next += int64(n)
	switch {
	case err == io.EOF && r.end == noEnd:
		r.ended = true
		return n, io.EOF
	case err == io.EOF && r.next < r.end:
		return n, r.resource.passing("ended at byte %d, of %d", r.next, r.end)
	case r.next == r.end:
		return n, r.finish(err)
	}
	return n, err
}

// finish ends an answer that has given all that it should: it must not have more.
func (r *reader) finish(err error) error {
	if err == nil {
		var more int
		switch more, _ = r.answer.Read(make([]byte, 1)); {
		case more > 0 && r.whole:
			return r.resource.changed(fmt.Sprintf("had %d bytes when the job was planned, has more now", r.end))
		case more > 0:
			return r.resource.failed("its server sent more than it was asked for, behind byte %d", r.end)
		}
	}
	r.ended = true
	r.drop()
	return nil
}

func (r *reader) drop() {
	if r.answer != nil {
		r.answer.close()
		r.answer = nil
	}
}

func (r *reader) close() error {
	r.drop()
	return nil
}

// open asks for the bytes from an offset on.
func (r *reader) open(at, want int64) error {
	r.drop()
	r.ended = false
	asked := span{at, r.planned.size, r.planned.size}
	if !r.whole {
		asked.end = r.stretch(at, want)
	}
	header := r.planned.conditions()
	if !r.whole || at > 0 && asked.total >= 0 { // who was given all of it before may get the rest
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", at, asked.end-1))
	}
	a, err := r.resource.send(r.ctx, http.MethodGet, header)
	if err != nil {
		return err
	}
	end, err := r.check(a, asked)
	if err != nil {
		a.close()
		return err
	}
	r.answer, r.next, r.end = a, at, end
	return nil
}

// check refuses an answer that is not what was asked for, brings it to the first byte that was, and gives its end.
func (r *reader) check(a *answer, asked span) (int64, error) {
	if !r.whole || a.StatusCode == http.StatusPartialContent {
		return r.checkPart(a, asked)
	}
	end, err := r.checkWhole(a)
	if err == nil {
		err = skip(a, asked.from)
	}
	return end, err
}

// stretch is where the next request ends.
func (r *reader) stretch(at, want int64) int64 {
	if at == r.next && r.window > 0 {
		want = max(want, 2*r.window)
	}
	r.window = min(max(want, leastWindow), maxWindow)
	return min(r.planned.size-at, r.window) + at
}

// skip reads what was read before the connection broke. It has the same validator.
func skip(a *answer, bytes int64) error {
	n, err := io.CopyN(io.Discard, a, bytes)
	if err == io.EOF {
		return a.resource.passing("ended at byte %d, where %d had been read before", n, bytes)
	}
	return err
}
