package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// state is what a server says of a resource.
type state struct {
	identity
	ranges bool      // it gives parts
	date   time.Time // by the server's clock
}

const settleTries = 5 // looks at a resource that is never quiet

// settle asks until what it hears is certain to differ from what any later edit leaves.
func (r *resource) settle(ctx context.Context) (state, error) {
	for range settleTries {
		now, err := r.ask(ctx)
		switch {
		case err != nil:
			return state{}, err
		case !now.tells():
			return state{}, r.permanent("its server does not say of which state it is (no strong ETag, no Last-Modified with a length), "+
				"so that a change could not be noticed: %s", r.fetchIt())
		}
		wait := now.unquiet(now.date)
		if wait <= 0 {
			return now, nil
		}
		if err := r.pause(ctx, wait); err != nil {
			return state{}, err
		}
	}
	return state{}, r.changed("is written to while the job is planned: give a copy, or wait until it is complete")
}

// verify asks whether the resource is still what it was.
func (r *resource) verify(ctx context.Context, planned identity) error {
	now, err := r.ask(ctx)
	if err != nil {
		return err
	}
	if what := planned.change(now.identity); what != "" {
		return r.changed(what)
	}
	return nil
}

// ask asks for the state: by HEAD, and by a GET where that does not tell all of it. Servers refuse HEAD, or let it say that there is
// nothing.
func (r *resource) ask(ctx context.Context) (state, error) {
	now, err := r.look(ctx, http.MethodHead, "")
	if err == nil && now.size > 0 && now.tells() {
		return now, nil
	}
	for p := r.patience(); ; {
		now, err = r.look(ctx, http.MethodGet, "bytes=0-0")
		if errors.Is(err, errUnsatisfied) { // there may be no first byte
			now, err = r.look(ctx, http.MethodGet, "")
		}
		if err == nil {
			return now, nil
		}
		if err = p.again(ctx, err); err != nil {
			return state{}, err
		}
	}
}

// look makes one request for the state.
func (r *resource) look(ctx context.Context, method, ranges string) (state, error) {
	header := http.Header{}
	if ranges != "" {
		header.Set("Range", ranges)
	}
	a, err := r.send(ctx, method, header)
	if err != nil {
		return state{}, err
	}
	defer a.close()
	now := state{identity: identity{a.ContentLength, validatorOf(a.Header)}, date: dateOf(a.Header)}
	switch {
	case a.StatusCode == http.StatusPartialContent && ranges != "":
		part, err := parseSpan(a.Header.Get("Content-Range"))
		now.size, now.ranges = part.total, part.total >= 0
		return now, r.unread(err)
	case a.StatusCode != http.StatusOK:
		return state{}, r.refusal(a)
	case method == http.MethodHead:
		now.ranges = now.size > 0 && strings.EqualFold(a.Header.Get("Accept-Ranges"), "bytes")
	case !a.ends():
		return state{}, r.permanent("its server does not say where it ends, so that a broken connection could not be noticed: %s", r.fetchIt())
	}
	return now, nil
}

// unread is the error of a header that cannot be read, if it is one.
func (r *resource) unread(err error) error {
	if err == nil {
		return nil
	}
	return r.failed("its server answers what HTTP does not know: %w", err)
}

// dateOf is when an answer was made: by the server's clock, or ours if it has none.
func dateOf(h http.Header) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return time.Now()
}
