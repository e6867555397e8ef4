package output

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Format is how a row is written.
type Format string

// The formats.
const (
	TSV    Format = "tsv"    // key TAB value LF, as they are
	CSV    Format = "csv"    // RFC 4180: CRLF row ends, quotes only where needed, no header
	NDJSON Format = "ndjson" // {"key":…,"value":…} LF
)

// ParseFormat reads the name of a format; an empty one is TSV.
func ParseFormat(name string) (Format, error) {
	switch format := Format(name); format {
	case "":
		return TSV, nil
	case TSV, CSV, NDJSON:
		return format, nil
	}
	return "", fmt.Errorf("unknown format %q: use tsv, csv or ndjson", name)
}

// FormatFor is the format that a file's ending asks for, in either case; TSV for any other. It looks below the ending of a codec:
// out.csv.gz is CSV.
func FormatFor(path string) Format {
	path = strings.ToLower(path)
	for _, packed := range []string{".gz", ".zst", ".zstd"} {
		path = strings.TrimSuffix(path, packed)
	}
	switch filepath.Ext(path) {
	case ".csv":
		return CSV
	case ".ndjson", ".jsonl":
		return NDJSON
	}
	return TSV
}
