package output

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// successName is the file that stands in a directory of parts once all are there, as Hadoop has it. Here it says which they are.
const successName = "_SUCCESS"

// manifest is what _SUCCESS holds, as JSON in one line.
type manifest struct {
	Version int              `json:"version"`
	Rows    int64            `json:"rows"`
	Digest  mapreduce.Digest `json:"digest"` // of the names and bytes of all parts
	Parts   []Part           `json:"parts"`
}

// manifestVersion is that of the manifests that this binary writes.
const manifestVersion = 1

// Part is a file of a directory.
type Part struct {
	Name   string           `json:"name"`
	Rows   int64            `json:"rows"`
	Bytes  int64            `json:"bytes"`
	Digest mapreduce.Digest `json:"digest"` // XXH3 of its bytes
}

func partName(n int, codec mapreduce.Codec) string {
	return fmt.Sprintf("part-%05d%s", n, ending(codec))
}

// isPartName reports whether a job can have given that name to a part.
func isPartName(name string) bool {
	number, found := strings.CutPrefix(name, "part-")
	for _, codec := range []mapreduce.Codec{mapreduce.Gzip, mapreduce.Zstd} {
		if rest, packed := strings.CutSuffix(number, ending(codec)); packed {
			number = rest
			break
		}
	}
	return found && len(number) >= 5 && digits([]byte(number)) == len(number)
}

// digest is of names and bytes: these by their number and digest.
func (m manifest) digest() mapreduce.Digest {
	hash := xxh3.New()
	var numbers []byte
	for _, part := range m.Parts {
		numbers = binary.BigEndian.AppendUint64(numbers[:0], uint64(part.Bytes))
		numbers = binary.BigEndian.AppendUint64(numbers, uint64(part.Digest))
		_, _ = hash.WriteString(part.Name + "\x00") // never fails, no more than the next
		_, _ = hash.Write(numbers)
	}
	return mapreduce.Digest(hash.Sum64())
}

// seal writes out what follows from the parts, and returns the text.
func (m *manifest) seal() ([]byte, error) {
	m.Version, m.Rows, m.Digest = manifestVersion, 0, m.digest()
	if m.Parts == nil {
		m.Parts = []Part{}
	}
	for _, part := range m.Parts {
		m.Rows += part.Rows
	}
	text, err := json.Marshal(m)
	return append(text, '\n'), err
}
