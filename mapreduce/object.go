package mapreduce

import (
	"net/url"
	"strings"
)

// Object names an object of a store on the bus. Without a bucket it is the one of all results, where an object has the
// job's id for a name.
type Object struct{ Bucket, Name string }

const (
	objectScheme  = "object://"
	maxObjectName = 1024 // bytes: it stands in a subject, as base64
)

// Object returns the object that a target names, and whether it names one: object://BUCKET/NAME, or nothing at all. A name
// that cannot be is a permanent error.
func (t Target) Object() (object Object, is bool, err error) {
	if t.To == "" {
		return Object{}, true, nil
	}
	rest, is := strings.CutPrefix(t.To, objectScheme)
	if !is {
		return Object{}, false, nil
	}
	bucket, escaped, _ := strings.Cut(rest, "/")
	name, err := url.PathUnescape(escaped)
	switch {
	case err != nil || strings.ContainsAny(escaped, "?#"):
		return Object{}, true, Permanentf("output %q: use object://BUCKET/NAME, with ? as %%3F, # as %%23 and %% as %%25", t.To)
	case len(name) > maxObjectName:
		return Object{}, true, Permanentf("output to bucket %s: the object's name has %d bytes, %d at most", bucket, len(name), maxObjectName)
	case !token(bucket) || name == "":
		return Object{}, true, Permanentf("output %q: use object://BUCKET/NAME, with a bucket of A-Z a-z 0-9 _ -", t.To)
	}
	return Object{bucket, name}, true, nil
}
