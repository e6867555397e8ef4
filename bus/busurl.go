package bus

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"jetreduce/mapreduce"
)

// carriedURL names carried files.
//
//	bus://<upload>                  all files of an upload
//	bus://<upload>/<n>-<m>          files n to m
//	bus://<upload>/<n>[/<name>]     file n; its name is for people
//	…#<digest>                      what the files hold, for telling jobs apart
type carriedURL struct {
	upload      string
	first, last int // last -1: to the end
	name        string
}

// parseCarriedURL reads what names carried files, and refuses anything else.
func parseCarriedURL(text string) (carriedURL, error) {
	u, wrong := readCarriedURL(text)
	if wrong != "" {
		return carriedURL{}, mapreduce.Permanentf("input %s: %s: use bus://UPLOAD or bus://UPLOAD/NUMBER", text, wrong)
	}
	return u, nil
}

// readCarriedURL is parseCarriedURL that says only what is wrong.
func readCarriedURL(text string) (u carriedURL, wrong string) {
	text, _, _ = strings.Cut(text, "#")
	rest, found := strings.CutPrefix(text, mapreduce.CarriedScheme+"://")
	if !found {
		return u, "is no bus:// URL"
	}
	upload, rest, some := strings.Cut(rest, "/")
	u = carriedURL{upload: upload, last: -1}
	if !validUpload(upload) {
		return u, "names no upload"
	}
	if !some {
		return u, ""
	}
	numbers, name, _ := strings.Cut(rest, "/")
	var known bool
	if u.first, u.last, known = parseFiles(numbers); !known {
		return u, "names no file"
	}
	var err error
	if u.name, err = url.PathUnescape(name); err != nil {
		return u, "has a bad name"
	}
	return u, ""
}

// parseFiles reads n or n-m.
func parseFiles(text string) (first, last int, ok bool) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, ok = parseNumber(from)
	if !ok {
		return 0, 0, false
	}
	last, ok = parseNumber(to)
	return first, last, ok && first <= last
}

// parseNumber reads what Sprint writes, and nothing else.
func parseNumber(text string) (int, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return int(n), err == nil && n >= 0 && strconv.FormatInt(n, 10) == text
}

// carriedSource is the source that file n of an upload is in a plan.
func carriedSource(upload string, n int, file mapreduce.Carried, head manifestHead) mapreduce.Source {
	return mapreduce.Source{
		Name:     fmt.Sprintf("%s://%s/%d/%s", mapreduce.CarriedScheme, upload, n, escapeName(file.Name)),
		As:       strings.ToValidUTF8(file.Name, "�"),
		Size:     file.Size,
		Identity: carriedIdentity{head.ChunkSize, file.Digest, head.Digest}.String(),
	}
}

// carriedIdentity is all that a reader needs to know of a carried file besides its size: as text
// `chunk size:digest of the file:digest of the manifest`, so that who opens it need not read the manifest.
type carriedIdentity struct {
	chunkSize      int
	file, manifest mapreduce.Digest
}

func (id carriedIdentity) String() string {
	return fmt.Sprintf("%d:%016x:%016x", id.chunkSize, uint64(id.file), uint64(id.manifest))
}

func parseCarriedIdentity(text string) (carriedIdentity, error) {
	var id carriedIdentity
	fields := strings.Split(text, ":")
	if len(fields) != 3 {
		return id, fmt.Errorf("parse identity %q: not size:digest:digest", text)
	}
	size, ok := parseNumber(fields[0])
	if !ok || size < 1 || size > maxChunk {
		return id, fmt.Errorf("parse identity %q: no chunk size", text)
	}
	id.chunkSize = size
	if err := id.file.UnmarshalText([]byte(fields[1])); err != nil {
		return id, fmt.Errorf("parse identity %q: %w", text, err)
	}
	if err := id.manifest.UnmarshalText([]byte(fields[2])); err != nil {
		return id, fmt.Errorf("parse identity %q: %w", text, err)
	}
	return id, nil
}
