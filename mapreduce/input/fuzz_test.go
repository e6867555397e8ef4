package input

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"jetreduce/mapreduce"
)

// FuzzReader gives the reader whatever splits a plan chunk from the bus decodes to.
func FuzzReader(f *testing.F) {
	path := filepath.Join(f.TempDir(), "a")
	good := splitOf(f, []byte("one\ntwo\nthree"))[0].Source
	bad := []mapreduce.Source{{Name: path, Size: 13}, {Name: "file:///%"}, {Name: "s3://b", Identity: "1:1:1:1:1"}}
	splits := [][][3]int64{{{0, 4, 9}}, {{0, 0, 4}, {0, 0, 0}}}
	for _, source := range append(bad, good) {
		chunk := mapreduce.PlanChunk{Version: 1, Sources: []mapreduce.Source{source}, Splits: splits}
		text, err := json.Marshal(chunk)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, 1, int64(0), good.Size, int64(0))
		f.Add(text, 100, int64(3), int64(4), int64(4))
	}
	f.Fuzz(func(t *testing.T, text []byte, batch int, bound, offset, length int64) {
		cfg := ReadConfig{BatchSize: min(batch, 1<<20), MaxRecord: bound}
		read(t, mapreduce.Split{{Source: good, Offset: offset, Length: length}}, cfg)
		var chunk mapreduce.PlanChunk
		if json.Unmarshal(text, &chunk) != nil {
			return
		}
		for i := range chunk.Splits {
			if split, err := chunk.Split(i); err == nil && local(split, good.Name) {
				read(t, split, cfg)
			}
		}
	})
}

// local keeps a fuzzer from reading the machine it runs on.
func local(split mapreduce.Split, name string) bool {
	for _, piece := range split {
		if path, err := Path(piece.Source.Name); err == nil && path != name {
			return false
		}
	}
	return true
}

func read(t *testing.T, split mapreduce.Split, cfg ReadConfig) {
	r := Open(split, cfg)
	defer closeReader(t, r)
	var total int64
	for {
		batch, err := r.Next(t.Context())
		if err != nil {
			return
		}
		if total += int64(len(batch.Data)); total > split.Bytes() {
			t.Fatalf("gave %d bytes of %d", total, split.Bytes())
		}
	}
}

// FuzzIdentity holds that an identity which is understood is written as it was read, up to the form of its numbers.
func FuzzIdentity(f *testing.F) {
	f.Add("1:2:3:4:5")
	f.Add("-1:-2:-3:4:18446744073709551615")
	f.Add("1:2:3:4")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := parseIdentity(text)
		if err != nil {
			return
		}
		if again, err := parseIdentity(id.String()); err != nil || again != id {
			t.Fatalf("%q is %v, then %v (%v)", text, id, again, err)
		}
	})
}

// FuzzName holds that a path comes back from the name that carries it, whatever its bytes.
func FuzzName(f *testing.F) {
	f.Add("/data/caf\xe9 %41?#[*]")
	f.Add("/")
	f.Fuzz(func(t *testing.T, path string) {
		path = "/" + path
		name, err := sourceName(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Path(name)
		if err != nil || got != path && got != filepath.Clean(path) {
			t.Fatalf("%q is carried as %q, which is %q (%v)", path, name, got, err)
		}
	})
}
