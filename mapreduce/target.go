package mapreduce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Target says where a job's result goes, and how it looks.
type Target struct {
	// To is file:///path, file:///path/ for a directory of parts, object://BUCKET/NAME, kv://BUCKET, or stream://STREAM?subject=…; empty: the
	// bus's own store, under the job's id.
	To     string `json:"to,omitempty"`
	Format string `json:"format,omitempty"` // tsv (also when empty), csv, ndjson
	Order  string `json:"order,omitempty"`  // bytes (also when empty, unless map only), emitted, original, or a BCP 47 collation
	Force  bool   `json:"force,omitempty"`  // replace what is there
	Top    int    `json:"top,omitempty"`    // so many rows, those with the largest values; 0: all
	Codec  Codec  `json:"codec,omitempty"`  // of files; none: by their names' endings
}

// UnmarshalJSON reads a target, or a text, which is where the result goes and nothing else.
func (t *Target) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		*t = Target{}
		return json.Unmarshal(data, &t.To)
	}
	type fields Target // which has no method
	return json.Unmarshal(data, (*fields)(t))
}

// Kind is the kind of place that a target is.
type Kind string

// The kinds of places.
const (
	ToFile   Kind = "file"
	ToDir    Kind = "directory"
	ToObject Kind = "object" // also the bus's own store
	ToBucket Kind = "kv"
	ToStream Kind = "stream"
)

// Kind is the kind of place that the target is; "" of one that is none.
func (t Target) Kind() Kind {
	scheme, rest, _ := strings.Cut(t.To, "://")
	switch {
	case t.To == "" || scheme == "object":
		return ToObject
	case scheme == "file" && strings.HasSuffix(rest, "/"):
		return ToDir
	case scheme == "file":
		return ToFile
	case scheme == "kv":
		return ToBucket
	case scheme == "stream":
		return ToStream
	}
	return ""
}

// OnBus reports whether the result is an object on the bus, which can be fetched.
func (t Target) OnBus() bool { return t.Kind() == ToObject }

// Named is the bucket or stream that a target names, and what stands behind the question mark.
func (t Target) Named() (name string, options url.Values, err error) {
	_, rest, _ := strings.Cut(t.To, "://")
	name, query, _ := strings.Cut(rest, "?")
	name = strings.TrimSuffix(name, "/")
	options, err = url.ParseQuery(query)
	switch {
	case err != nil:
		return "", nil, Permanentf("output %q: %w", t.To, err)
	case !token(name) || len(name) > 255:
		return "", nil, Permanentf("output %q: use %s://NAME, with a name of A-Z a-z 0-9 _ -", t.To, t.Kind())
	}
	return name, options, nil
}

// endings are those of compressed files' names, and what they say.
var endings = []struct {
	ending string
	codec  Codec
}{{".gz", Gzip}, {".zst", Zstd}, {".zstd", Zstd}, {".bz2", Bzip2}}

// Packing is how the result's file, or each file of a directory, is compressed: as Codec says, or else the file's name by its ending, in
// either case; "" is not at all. What cannot be is a permanent error.
func (t Target) Packing() (Codec, error) {
	if kind := t.Kind(); kind == ToBucket || kind == ToStream {
		if t.Codec != "" {
			return "", Permanentf("output %q: codec %s is for files and objects: leave it out", t.To, t.Codec)
		}
		return "", nil
	}
	named := Codec("")
	for _, e := range endings {
		if strings.HasSuffix(strings.ToLower(t.To), e.ending) { // no directory: its name ends in a slash
			named = e.codec
		}
	}
	switch {
	case t.Codec != "" && t.Codec != Gzip && t.Codec != Zstd:
		return "", Permanentf("codec %q: use gzip or zstd, or leave it out", t.Codec)
	case unwritten(t.To) != "":
		return "", Permanentf("output %q: no %s is written: end the name in .gz or .zst", t.To, unwritten(t.To))
	case named == Bzip2:
		return "", Permanentf("output %q: bzip2 is read and not written: end the name in .gz or .zst", t.To)
	case named != "" && t.Codec != "" && named != t.Codec:
		return "", Permanentf("output %q: its name says %s, and the codec is to be %s: choose one", t.To, named, t.Codec)
	case t.Codec != "":
		return t.Codec, nil
	}
	return named, nil
}

// unwritten is the ending of a name that promises bytes which nobody here writes, or "".
func unwritten(name string) string {
	for _, ending := range []string{".xz", ".lzma", ".lz4", ".br", ".z", ".zip", ".7z", ".tgz"} {
		if strings.HasSuffix(strings.ToLower(name), ending) {
			return ending
		}
	}
	return ""
}

// maxTop bounds the rows that a job may ask for as the largest: they are kept in memory.
const maxTop = 1_000_000

// Validate refuses a target that no result can be brought to.
func (t Target) Validate() error {
	if len(t.To) > maxTarget {
		return fmt.Errorf("the output's name has %d bytes, %d at most", len(t.To), maxTarget)
	}
	if t.Top < 0 || t.Top > maxTop {
		return fmt.Errorf("the top %d rows: use 1 to %d, or leave it out for all", t.Top, maxTop)
	}
	if t.Top > 0 && t.Kind() == ToDir {
		return fmt.Errorf("the top %d rows in a directory, where each part has rows of its own: name a file for them", t.Top)
	}
	if _, err := t.Packing(); err != nil {
		return err
	}
	switch t.Kind() {
	case "":
		return fmt.Errorf("output %q: use file:///path, object://BUCKET/NAME, kv://BUCKET or stream://STREAM, "+
			"or leave it out for the bus's own store", t.To)
	case ToObject:
		_, _, err := t.Object()
		return err
	case ToBucket, ToStream:
		_, _, err := t.Named()
		if err == nil && t.Format != "" {
			err = fmt.Errorf("output %q: format %s is for files and objects: leave it out", t.To, t.Format)
		}
		return err
	}
	return nil
}
