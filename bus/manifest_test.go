package bus

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
)

func carriedFiles(n int) []mapreduce.Carried {
	files := make([]mapreduce.Carried, 0, n)
	for i := range n {
		files = append(files, mapreduce.Carried{
			Name: fmt.Sprintf("dir %d/na?me\xff%d", i%7, i), Size: int64(i % 5 * 1000), Digest: mapreduce.Digest(i),
		})
	}
	return files
}

func TestManifestComesBackWhateverItsLength(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5000} {
		files := carriedFiles(n)
		head, parts, err := encodeManifest(1024, files)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range append(parts, head) {
			if len(part) > mapreduce.MaxMessage {
				t.Errorf("%d files: message %d has %d bytes", n, i, len(part))
			}
		}
		h, err := decodeHead(head)
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.decode(parts)
		if diff := cmp.Diff(files, got); err != nil || diff != "" && n > 0 {
			t.Errorf("%d files: %v %s", n, err, diff)
		}
		if n == 5000 && len(parts) < 2 {
			t.Error("one part only")
		}
	}
}

func TestLongNamesDoNotMakeAMessageTooLong(t *testing.T) {
	files := carriedFiles(200)
	for i := range files {
		files[i].Name = strings.Repeat("\xff", 4096) // three bytes each when escaped
	}
	_, parts, err := encodeManifest(1024, files)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if len(part) > mapreduce.MaxMessage {
			t.Errorf("%d bytes", len(part))
		}
	}
}

func TestManifestThatIsNotTheOneWrittenIsRefused(t *testing.T) {
	head, parts, err := encodeManifest(1024, carriedFiles(3000))
	if err != nil {
		t.Fatal(err)
	}
	h, err := decodeHead(head)
	if err != nil {
		t.Fatal(err)
	}
	other := append([][]byte{}, parts...)
	other[0] = []byte(strings.Replace(string(parts[0]), `"digest":"0000000000000001"`, `"digest":"0000000000000009"`, 1))
	version := append([][]byte{}, parts...)
	version[1] = []byte(strings.Replace(string(parts[1]), `"v":1`, `"v":2`, 1))
	for claim, parts := range map[string][][]byte{
		"cut": parts[:1], "swapped": {parts[1], parts[0]}, "other digest": other, "version": version, "none": nil,
	} {
		if _, err := h.decode(parts); err == nil {
			t.Errorf("%s: no error", claim)
		}
	}
	for _, bad := range []string{
		`{"v":2,"chunk_size":1}`, `{"v":1}`, `{"chunk_size":1}`, `{"v":1,"chunk_size":-1}`, `{"v":1,"chunk_size":1,"files":-1}`,
		`{"v":1,"chunk_size":1,"files":1,"parts":2}`, `{"v":1,"chunk_size":1,"chunks":-1}`, `{"v":1,"chunk_size":999999999}`, ``, `x`,
	} {
		if h, err := decodeHead([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, h)
		}
	}
}

func FuzzManifest(f *testing.F) {
	head, parts, err := encodeManifest(1024, carriedFiles(3))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(head, parts[0])
	f.Add([]byte(`{"v":1,"chunk_size":1}`), []byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, head, part []byte) {
		h, err := decodeHead(head)
		if err != nil {
			return
		}
		files, err := h.decode([][]byte{part})
		if err != nil {
			return
		}
		if again, err := json.Marshal(h); err != nil || len(files) != h.Files {
			t.Errorf("%s lists %d files: %v", again, len(files), err)
		}
		for i, file := range files {
			source := carriedSource("u", i, file, h)
			if u, err := parseCarriedURL(source.Name); err != nil || u.first != i || u.name != file.Name || file.Size < 0 {
				t.Errorf("%q: %+v %v", source.Name, u, err)
			}
			if _, err := parseCarriedIdentity(source.Identity); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestCarriedURLs(t *testing.T) {
	for text, want := range map[string]carriedURL{
		"bus://u":              {upload: "u", last: -1},
		"bus://u-1_X/0":        {upload: "u-1_X"},
		"bus://u/3-17":         {upload: "u", first: 3, last: 17},
		"bus://u/3/a/b%20c%FF": {upload: "u", first: 3, last: 3, name: "a/b c\xff"},
		"bus://u/3//abs":       {upload: "u", first: 3, last: 3, name: "/abs"},
	} {
		if got, err := parseCarriedURL(text); err != nil || got != want {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "bus:", "bus://", "bus:///0", "bus://u/", "bus://u.x", "bus://u*", "bus://u>", "bus://u/x", "bus://u/-1", "bus://u/01",
		"bus://u/+1", "bus://u/2-1", "bus://u/1-", "bus://u/99999999999", "bus://u/1/%zz", "file:///u", "bus://u v", "BUS://u",
	} {
		if u, err := parseCarriedURL(text); err == nil || !mapreduce.IsPermanent(err) {
			t.Errorf("%q: %+v %v", text, u, err)
		}
	}
}

func FuzzCarriedURL(f *testing.F) {
	for _, seed := range []string{"bus://u", "bus://u/3-17", "bus://u/3/a%20b", "bus://u/0", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := parseCarriedURL(text)
		if err != nil {
			return
		}
		if !validUpload(u.upload) || u.first < 0 || u.last >= 0 && u.last < u.first {
			t.Fatalf("%q: %+v", text, u)
		}
		whole := fmt.Sprintf("bus://%s", u.upload)
		if u.last >= 0 {
			whole += fmt.Sprintf("/%d-%d/%s", u.first, u.last, escapeName(u.name))
		}
		if again, err := parseCarriedURL(whole); err != nil || again != u {
			t.Fatalf("%q: %+v, then %+v %v", text, u, again, err)
		}
	})
}

func TestIdentitiesOfOthersAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "1", "0:0000000000000001:0000000000000002", "-1:0000000000000001:0000000000000002", "1:1:2", "1:2:3:4:5",
		"1:0000000000000001:000000000000000G", "99999999999:0000000000000001:0000000000000002",
	} {
		if id, err := parseCarriedIdentity(text); err == nil {
			t.Errorf("%q: %+v", text, id)
		}
	}
}
