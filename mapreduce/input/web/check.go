package web

import "net/http"

// checkPart refuses an answer that is not the part that was asked for, and gives its end: a server may give less.
func (r *reader) checkPart(a *answer, asked span) (end int64, err error) {
	switch a.StatusCode {
	case http.StatusPartialContent:
		return r.checkSpan(a, asked)
	case http.StatusOK:
		if what := r.planned.change(identity{a.ContentLength, validatorOf(a.Header)}); what != "" {
			return 0, r.resource.changed(what)
		}
		return 0, r.resource.failed("asked for bytes %d-%d, got all of it: its server gives no parts any more", asked.from, asked.end-1)
	case http.StatusRequestedRangeNotSatisfiable:
		return 0, r.resource.changed("has no bytes any more where it had some when the job was planned")
	}
	return 0, r.resource.refusal(a)
}

// checkSpan refuses a part of another state, or another part.
func (r *reader) checkSpan(a *answer, asked span) (end int64, err error) {
	got, err := parseSpan(a.Header.Get("Content-Range"))
	if err != nil {
		return 0, r.resource.unread(err)
	}
	now := identity{got.total, validatorOf(a.Header)}
	if what := r.planned.change(now); what != "" {
		return 0, r.resource.changed(what)
	}
	if got.from != asked.from || got.end > asked.end || got.total != asked.total ||
		a.ContentLength >= 0 && a.ContentLength != got.end-got.from {
		return 0, r.resource.failed("asked for bytes %d-%d of %d, got %d-%d of %d in a body of %d", asked.from, asked.end-1, asked.total,
			got.from, got.end-1, got.total, a.ContentLength)
	}
	return got.end, nil
}

// checkWhole refuses an answer that is not all of the resource, and gives its end, or noEnd.
func (r *reader) checkWhole(a *answer) (end int64, err error) {
	if a.StatusCode != http.StatusOK {
		return 0, r.resource.refusal(a)
	}
	if what := r.planned.change(identity{a.ContentLength, validatorOf(a.Header)}); what != "" {
		return 0, r.resource.changed(what)
	}
	switch {
	case r.planned.size >= 0:
		return r.planned.size, nil
	case a.ContentLength >= 0:
		return a.ContentLength, nil
	case !a.ends():
		return 0, r.resource.failed("its server does not say where it ends: %s", r.resource.fetchIt())
	}
	return noEnd, nil
}
