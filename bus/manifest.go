package bus

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// manifestVersion is the version of manifests and chunks that this binary writes and understands.
const manifestVersion = 1

// manifestHead says how much an upload holds.
type manifestHead struct {
	Version   int              `json:"v"`
	Files     int              `json:"files"`
	Parts     int              `json:"parts"`      // messages that list them
	Chunks    int64            `json:"chunks"`     // messages that hold their bytes
	ChunkSize int              `json:"chunk_size"` // bytes of each chunk but a file's last
	Digest    mapreduce.Digest `json:"digest"`     // of the parts' bytes, one behind the other
}

// manifestPart lists some of the files, in order.
type manifestPart struct {
	Version int            `json:"v"`
	Files   []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string           `json:"name"` // escaped as in a URL: names are bytes, JSON is text
	Size   int64            `json:"size"`
	Digest mapreduce.Digest `json:"digest"`
}

const (
	maxPart  = 128 << 10 // bytes of names in a part, escaped; no name is longer than a path can be
	fileCost = 100       // bytes of a file in a part, but for its name, at most
)

// encodeManifest writes the head and the parts that list the files.
func encodeManifest(chunkSize int, files []mapreduce.Carried) (head []byte, parts [][]byte, err error) {
	h := manifestHead{Version: manifestVersion, Files: len(files), ChunkSize: chunkSize}
	hash := xxh3.New()
	for len(files) > 0 {
		part, rest := nextPart(files)
		text, err := json.Marshal(part)
		if err != nil {
			return nil, nil, fmt.Errorf("write manifest: %w", err)
		}
		_, _ = hash.Write(text)
		parts, files = append(parts, text), rest
		for _, file := range part.Files {
			h.Chunks += chunksOf(file.Size, chunkSize)
		}
	}
	h.Parts, h.Digest = len(parts), mapreduce.Digest(hash.Sum64())
	head, err = json.Marshal(h)
	return head, parts, err
}

// nextPart takes as many files as fit into one message, at least one.
func nextPart(files []mapreduce.Carried) (manifestPart, []mapreduce.Carried) {
	part, size := manifestPart{Version: manifestVersion}, 0
	for len(files) > 0 && (size < maxPart || len(part.Files) == 0) {
		file := files[0]
		name := escapeName(file.Name)
		part.Files = append(part.Files, manifestFile{name, file.Size, file.Digest})
		size += len(name) + fileCost
		files = files[1:]
	}
	return part, files
}

// escapeName makes a name of bytes text that may stand in a URL.
func escapeName(name string) string { return (&url.URL{Path: name}).EscapedPath() }

// chunksOf is how many chunks hold size bytes.
func chunksOf(size int64, chunkSize int) int64 {
	if size == 0 {
		return 0
	}
	return (size-1)/int64(chunkSize) + 1
}

// maxChunk bounds what a manifest may claim of a chunk: no server lets a message be larger.
const maxChunk = 64 << 20

// decodeHead reads a head, and refuses one that no client of ours wrote.
func decodeHead(data []byte) (manifestHead, error) {
	var h manifestHead
	if err := decode("manifest", data, &h); err != nil {
		return h, err
	}
	switch {
	case h.Version != manifestVersion:
		return h, fmt.Errorf("manifest of version %d: this binary reads %d", h.Version, manifestVersion)
	case h.Files < 0 || h.Parts < 0 || h.Parts > h.Files || h.Chunks < 0 || h.ChunkSize < 1 || h.ChunkSize > maxChunk:
		return h, fmt.Errorf("manifest of %d files in %d parts and %d chunks of %d bytes", h.Files, h.Parts, h.Chunks, h.ChunkSize)
	}
	return h, nil
}

// decode reads the files that the parts list, and refuses parts that are not those of this head.
func (h manifestHead) decode(parts [][]byte) ([]mapreduce.Carried, error) {
	hash := xxh3.New()
	var files []mapreduce.Carried
	var chunks int64
	for i, text := range parts {
		_, _ = hash.Write(text)
		part, err := decodePart(text)
		if err != nil {
			return nil, fmt.Errorf("manifest part %d: %w", i+1, err)
		}
		for _, file := range part {
			chunks += chunksOf(file.Size, h.ChunkSize)
		}
		files = append(files, part...)
	}
	if len(parts) != h.Parts || len(files) != h.Files || chunks != h.Chunks || mapreduce.Digest(hash.Sum64()) != h.Digest {
		return nil, fmt.Errorf("manifest of %d files in %d chunks: its parts list %d in %d, or others", h.Files, h.Chunks, len(files), chunks)
	}
	return files, nil
}

func decodePart(text []byte) ([]mapreduce.Carried, error) {
	var part manifestPart
	if err := decode("files", text, &part); err != nil {
		return nil, err
	}
	if part.Version != manifestVersion {
		return nil, fmt.Errorf("version %d: this binary reads %d", part.Version, manifestVersion)
	}
	files := make([]mapreduce.Carried, 0, len(part.Files))
	for _, file := range part.Files {
		name, err := url.PathUnescape(file.Name)
		if err != nil || file.Size < 0 {
			return nil, fmt.Errorf("file %q of %d bytes", file.Name, file.Size)
		}
		files = append(files, mapreduce.Carried{Name: name, Size: file.Size, Digest: file.Digest})
	}
	return files, nil
}
