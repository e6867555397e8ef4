package mapreduce

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPackingIsThatOfTheTargetOrItsName(t *testing.T) {
	for _, c := range []struct {
		to    string
		codec Codec
		want  Codec
		text  string // of the error
	}{
		{"file:///out.tsv", "", "", ""},
		{"file:///out.tsv.gz", "", Gzip, ""},
		{"file:///OUT.CSV.GZ", "", Gzip, ""},
		{"file:///out.zst", "", Zstd, ""},
		{"file:///out.zstd", "", Zstd, ""},
		{"file:///out.tsv", Gzip, Gzip, ""},
		{"file:///out.gz", Gzip, Gzip, ""},
		{"file:///out/", Zstd, Zstd, ""},
		{"file:///out.gz/", "", "", ""}, // a directory of plain parts
		{"object://b/out.csv.zst", "", Zstd, ""},
		{"", Gzip, Gzip, ""},
		{"kv://b", "", "", ""},
		{"stream://s.gz", "", "", ""},
		{"kv://b", Gzip, "", "codec gzip is for files and objects: leave it out"},
		{"stream://s", Zstd, "", "codec zstd is for files and objects: leave it out"},
		{"file:///out.bz2", "", "", "bzip2 is read and not written: end the name in .gz or .zst"},
		{"object://b/out.BZ2", "", "", "bzip2 is read and not written: end the name in .gz or .zst"},
		{"file:///out.xz", "", "", "no .xz is written: end the name in .gz or .zst"},
		{"file:///out.tsv.ZIP", "", "", "no .zip is written"},
		{"file:///out.xz/", "", "", ""},
		{"file:///out", Bzip2, "", "use gzip or zstd"},
		{"file:///out", "lz4", "", "use gzip or zstd"},
		{"file:///out.gz", Zstd, "", "its name says gzip, and the codec is to be zstd: choose one"},
	} {
		target := Target{To: c.to, Codec: c.codec}
		got, err := target.Packing()
		if got != c.want || (err == nil) != (c.text == "") || err != nil && (!IsPermanent(err) || !strings.Contains(err.Error(), c.text)) {
			t.Errorf("%s, codec %q: %q, %v", c.to, c.codec, got, err)
		}
		if refused := target.Validate(); err != nil && refused == nil {
			t.Errorf("%s, codec %q is not refused", c.to, c.codec)
		}
	}
}

func TestTopOfADirectoryIsRefused(t *testing.T) {
	err := Target{To: "file:///out/", Top: 3}.Validate()
	if err == nil || !strings.Contains(err.Error(), "name a file for them") {
		t.Error(err)
	}
	for _, to := range []string{"", "file:///out", "object://b/out", "kv://b", "stream://s"} {
		if err := (Target{To: to, Top: 3}).Validate(); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// A text is a target, too: where the result goes. It makes the same job.
func TestTargetIsReadFromAText(t *testing.T) {
	t.Parallel()
	var short, long Job
	for text, job := range map[string]*Job{`{"output":"kv://words"}`: &short, `{"output":{"to":"kv://words"}}`: &long} {
		if err := json.Unmarshal([]byte(text), job); err != nil {
			t.Fatal(err)
		}
	}
	if short.Output != (Target{To: "kv://words"}) || short.Digest() != long.Digest() {
		t.Errorf("%+v and %+v", short.Output, long.Output)
	}
	var none Target
	if err := json.Unmarshal([]byte(`7`), &none); err == nil {
		t.Error("a number is a target")
	}
}
