package input

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"jetreduce/mapreduce"
)

const fileScheme = "file://"

// Path is the path that an input's or a source's name stands for: the name itself, or what a file URL points to.
func Path(name string) (string, error) {
	rest, isURL := strings.CutPrefix(name, fileScheme)
	if !isURL {
		if scheme := schemeOf(name); scheme != "" {
			return "", mapreduce.Permanentf("input %s: %s:// cannot be read here: use a path or file:///path", name, scheme)
		}
		return name, nil
	}
	// Not url.Parse: it would take the question mark of a glob for the begin of a query.
	escaped := strings.TrimPrefix(rest, "localhost")
	if !strings.HasPrefix(escaped, "/") {
		return "", mapreduce.Permanentf("input %s: use file:///path with three slashes: files of other hosts cannot be read", name)
	}
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return "", mapreduce.Permanentf("input %s: %w", name, err)
	}
	return path, nil
}

// schemeOf is the scheme of a URL (RFC 3986, section 3.1), or empty for a plain path.
func schemeOf(name string) string {
	scheme, _, found := strings.Cut(name, "://")
	if !found {
		return ""
	}
	for i := range len(scheme) {
		c := scheme[i] | 0x20
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(scheme[i]))) {
			return ""
		}
	}
	return scheme
}

// sourceName is the name under which a plan carries a path. A path is bytes, but JSON carries text only, so a path that
// is not UTF-8 travels as a file URL. No listed path looks like one by itself: inputs that do are read as URLs, and
// joined paths have single slashes.
func sourceName(path string) (string, error) {
	if utf8.ValidString(path) {
		return path, nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("input %q: %w", path, err)
	}
	return fileScheme + (&url.URL{Path: absolute}).EscapedPath(), nil
}
