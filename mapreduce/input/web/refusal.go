package web

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"jetreduce/mapreduce"
)

// failed is an error that another attempt may not meet.
func (r *resource) failed(format string, args ...any) error {
	return fmt.Errorf("input %s: %w", r.title, fmt.Errorf(format, args...))
}

// permanent is an error that no other attempt can mend.
func (r *resource) permanent(format string, args ...any) error {
	return mapreduce.Permanent(r.failed(format, args...))
}

// passing is an error that may be gone in a moment.
func (r *resource) passing(format string, args ...any) error {
	return passingError{error: r.failed(format, args...)}
}

// changed is an error for a resource that is not what it was.
func (r *resource) changed(what string) error {
	return fmt.Errorf("%w: %s: %s", mapreduce.ErrInputChanged, r.title, what)
}

// fetchIt is advice for what cannot be read where it is.
func (r *resource) fetchIt() string {
	return fmt.Sprintf("fetch it with `curl -O '%s'`, and run the job on that file", r.title)
}

// errUnsatisfied: the range that was asked for is not there.
var errUnsatisfied = errors.New("no such range")

// refusal says what an answer means that brings no content.
func (r *resource) refusal(a *answer) error {
	code := a.StatusCode
	status := fmt.Sprintf("answered %d %s", code, http.StatusText(code))
	gone := code == http.StatusNotFound || code == http.StatusGone
	switch {
	case code == http.StatusPreconditionFailed && r.planned:
		return r.changed("is not what it was when the job was planned (" + status + ")")
	case gone && r.planned:
		return r.changed("is gone (" + status + ")")
	case gone:
		return r.permanent("%s: there is nothing of that name: look at the URL", status)
	case code == http.StatusRequestedRangeNotSatisfiable:
		return r.failed("%s: %w", status, errUnsatisfied)
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return r.permanent("%s: it is not for everybody, or not any more: fetch it as somebody who may (`curl -O`), "+
			"and run the job on that file", status)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return passingError{r.failed("%s", status), retryAfter(a.Header)}
	case code < 300:
		return r.failed("%s, which was not asked for", status)
	}
	return r.permanent("%s: `curl -v '%s'` shows more", status, r.title)
}

// retryAfter is how long the server asks to be left alone (RFC 9110, section 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(dateOf(h))
	}
	return 0
}

// unanswered says why there is no answer. What cannot be reached from here may be reached by another worker.
func (r *resource) unanswered(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err // it has the URL in it
	}
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return mapreduce.Permanent(away{r.failed("there is no host of that name for this worker: %w", scrubbed{err})})
	case errors.As(err, &certificate):
		return mapreduce.Permanent(away{r.failed("this worker does not trust the server's certificate: %w", scrubbed{err})})
	}
	return r.passing("%w", scrubbed{err})
}

// away marks an error as mapreduce.ErrAbsent, whose words add nothing to its own.
type away struct{ error }

func (e away) Unwrap() []error { return []error{e.error, mapreduce.ErrAbsent} }
