package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// answer is a response, with its body still to be read.
type answer struct {
	*http.Response
	resource *resource
	ctx      context.Context // of whoever asked
	cancel   context.CancelFunc
	silence  *time.Timer // ends the request when the body is silent for too long
}

// send makes one request, redirects and all. Answers of all statuses are given back.
func (r *resource) send(ctx context.Context, method string, header http.Header) (*answer, error) {
	life, cancel := context.WithCancel(ctx)
	response, err := r.client.Do(r.request(life, method, header))
	if err != nil {
		cancel()
		return nil, r.unreached(ctx, err)
	}
	a := &answer{Response: response, resource: r, ctx: ctx, cancel: cancel, silence: time.AfterFunc(r.silence, cancel)}
	a.silence.Stop()
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		a.close()
		return nil, r.permanent("its server sends it encoded (%s), although asked not to: %s", encoding, r.fetchIt())
	}
	return a, nil
}

func (r *resource) request(ctx context.Context, method string, header http.Header) *http.Request {
	request := (&http.Request{Method: method, URL: r.url, Header: header.Clone()}).WithContext(ctx)
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("Cache-Control", "no-cache") // a cache on the way must ask whether it is up to date
	request.Header.Set("User-Agent", "jetreduce")
	if r.login != nil {
		password, _ := r.login.Password()
		request.SetBasicAuth(r.login.Username(), password)
	}
	return request
}

// ends reports whether the end of the body can be told from that of the connection.
func (a *answer) ends() bool {
	return a.ContentLength >= 0 || slices.Equal(a.TransferEncoding, []string{"chunked"})
}

// Read reads the body. At its end it gives io.EOF; any other error is one to name to people.
func (a *answer) Read(p []byte) (int, error) {
	a.silence.Reset(a.resource.silence)
	n, err := a.Body.Read(p)
	inTime := a.silence.Stop()
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case a.ctx.Err() != nil:
		return n, a.ctx.Err()
	case !inTime:
		return n, a.resource.passing("sent nothing for %v", a.resource.silence)
	}
	return n, a.resource.passing("the connection broke: %w", scrubbed{err})
}

// close gives the connection back, or ends it if there is more to read.
func (a *answer) close() {
	a.silence.Stop()
	a.Body.Close() // nothing is written: there is nothing to lose
	a.cancel()
}

const maxRedirects = 10

// redirectError says why a redirect is not followed.
type redirectError string

func (e redirectError) Error() string { return string(e) }

// checkRedirect follows redirects within bounds, and takes no login to another host, nor the URL that it comes from.
func checkRedirect(next *http.Request, before []*http.Request) error {
	first, last := before[0].URL, before[len(before)-1].URL
	switch {
	case len(before) > maxRedirects:
		return redirectError(fmt.Sprintf("redirects more than %d times", maxRedirects))
	case next.URL.Scheme != "http" && next.URL.Scheme != "https":
		return redirectError(fmt.Sprintf("redirects to %s, which is not followed", next.URL.Scheme))
	case last.Scheme == "https" && next.URL.Scheme == "http":
		return redirectError("redirects from https to http, which is not followed: everybody on the way could change it")
	}
	next.Header.Del("Referer")
	if next.URL.Host != first.Host {
		next.Header.Del("Authorization")
	}
	return nil
}

// unreached says why there is no answer.
func (r *resource) unreached(ctx context.Context, err error) error {
	var redirect redirectError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &redirect):
		return r.permanent("%w", redirect)
	}
	return r.unanswered(err)
}
