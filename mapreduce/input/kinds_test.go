package input

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// kinds make, of a length, what a record may be; nil: it cannot have that length.
var kinds = map[mapreduce.Records]func(n int) []byte{
	mapreduce.Lines: func(n int) []byte { return append(bytes.Repeat([]byte("l"), n), '\n') },
	mapreduce.NDJSON: func(n int) []byte {
		if n < 2 {
			return bytes.Repeat([]byte("7\n"), n)
		}
		return []byte(`"` + strings.Repeat("j", n-2) + `"` + "\n")
	},
	mapreduce.CSV: func(n int) []byte {
		if n < 2 {
			return bytes.Repeat([]byte("c\n"), n)
		}
		return []byte(`"` + strings.Repeat("\n", n-2) + `"` + "\n")
	},
	mapreduce.Whole: func(n int) []byte { return bytes.Repeat([]byte("w"), n) },
}

var sizes = []int{0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 1<<20 - 1, 1 << 20, 1<<20 + 1, 64 << 20}

func TestRecordsOfAllSizesComeAsTheyAre(t *testing.T) {
	for _, n := range sizes {
		codecs := []mapreduce.Codec{"", mapreduce.Gzip, mapreduce.Zstd}
		if n > 2<<20 {
			if codecs = codecs[:2]; testing.Short() {
				t.Skip("records of 64 MiB are left out")
			}
		}
		for _, codec := range codecs {
			for kind, of := range kinds {
				checkSize(t, codec, kind, of(n), n)
			}
			if n > 0 {
				checkSize(t, codec, mapreduce.FixedRecords(n), bytes.Repeat([]byte("f"), n), n)
			}
		}
	}
}

// checkSize reads a record between others of its kind, under the bound that just lets it pass.
func checkSize(t *testing.T, codec mapreduce.Codec, kind mapreduce.Records, one []byte, n int) {
	t.Helper()
	var want [][]byte
	switch {
	case len(one) == 0:
	case kind == mapreduce.Whole, n > 2<<20:
		want = [][]byte{one}
	default:
		want = [][]byte{one, one}
	}
	split := splitNamed(t, "a"+endings[codec], packed[codec](t, append(want, nil)...))
	r := Open(split, ReadConfig{Records: kind, MaxRecord: int64(max(n, 1))})
	defer closeReader(t, r)
	for i := 0; ; {
		batch, err := r.Next(t.Context())
		if err == io.EOF {
			if i != len(want) {
				t.Fatalf("%s %s of %d bytes: %d records", codec, kind, n, i)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s %s of %d bytes: %v", codec, kind, n, err)
		}
		for single := range batch.Singles() {
			if !bytes.Equal(single.Data, want[i]) || single.Offset != int64(i*len(one)) {
				t.Fatalf("%s %s of %d bytes: record %d at %d has %d", codec, kind, n, i, single.Offset, len(single.Data))
			}
			i++
		}
	}
}

func TestRecordLongerThanTheBoundIsRefused(t *testing.T) {
	const bound = 10_000
	words := map[mapreduce.Records]string{
		mapreduce.Lines: "line at byte 0 is longer than 10,000 bytes", mapreduce.NDJSON: "line at byte 0", mapreduce.CSV: "record at byte 0",
		mapreduce.Whole: "is to be one record: give the job more --memory, or read it by lines",
	}
	for kind, of := range kinds {
		for _, codec := range []mapreduce.Codec{"", mapreduce.Gzip} {
			for _, batch := range []int{1, 1 << 20} {
				split := splitNamed(t, "a"+endings[codec], packed[codec](t, of(bound+1)))
				_, err := records(t, Open(split, ReadConfig{Records: kind, MaxRecord: bound, BatchSize: batch}))
				wantError(t, err, "input "+split[0].Source.Name, words[kind], "--memory")
			}
		}
	}
	split := splitNamed(t, "a", make([]byte, 2*(bound+1)))
	_, err := records(t, Open(split, ReadConfig{Records: mapreduce.FixedRecords(bound + 1), MaxRecord: bound}))
	wantError(t, err, "record at byte 0")
}

// inMemory plans a text of that name.
func inMemory(name string, data []byte) PlanConfig {
	return PlanConfig{Reach: Reach{Schemes: map[string]Scheme{"text": &texts{content: map[string]string{"text://" + name: string(data)}}}}}
}

// store keeps texts as a file of each codec would.
func (s *texts) store(t testing.TB, name string, codec mapreduce.Codec, text string) string {
	name = "text://" + name + endings[codec]
	s.content[name] = string(packed[codec](t, []byte(text)))
	return name
}

// readPlanned plans texts and reads all splits.
func readPlanned(t fataler, plan PlanConfig, read ReadConfig, inputs []string) (all []record, splits []mapreduce.Split, err error) {
	plan.Store = func(chunk mapreduce.PlanChunk) error {
		for i := range chunk.Splits {
			split, err := chunk.Split(i)
			if err != nil {
				return err
			}
			splits = append(splits, split)
		}
		return nil
	}
	if _, err = Plan(context.Background(), inputs, plan); err != nil {
		return nil, nil, err
	}
	read.Records, read.Reach = plan.Records, plan.Reach
	for _, split := range splits {
		more, err := records(t, Open(split, read))
		if all = append(all, more...); err != nil {
			return all, splits, err
		}
	}
	return all, splits, nil
}

func TestBlankLinesAndHeadersAreNoRecords(t *testing.T) {
	for _, test := range []struct {
		kind mapreduce.Records
		text string
		want []int64 // offsets
	}{
		{mapreduce.NDJSON, "\n \t\r\n1\n\n[2]\r\n\n\n3", []int64{5, 8, 15}},
		{mapreduce.NDJSON, "\n\n \n", nil},
		{mapreduce.CSV, "\n\na\n\r\nb\n\"\n\n\"\n\n\nc\r", []int64{2, 6, 8, 15}},
		{mapreduce.CSV, " \n\r", []int64{0}},
		{mapreduce.CSVHeader, "\n\na\n\r\nb\n\"\n\n\"\n\n\nc", []int64{6, 8, 15}},
		{mapreduce.CSVHeader, "\"a\nb\",c\nd\n", []int64{8}},
		{mapreduce.CSVHeader, "a\n", nil},
		{mapreduce.CSVHeader, "", nil},
		{mapreduce.Lines, "\n\nx", []int64{0, 1, 2}},
	} {
		for _, size := range []int64{1, 7, 100} {
			for _, batch := range []int{1, 4, 100} {
				s := &texts{content: map[string]string{"text://a": test.text}}
				reach := Reach{Schemes: map[string]Scheme{"text": s}}
				all, _, err := readPlanned(t, PlanConfig{Reach: reach, Records: test.kind, SplitSize: size}, ReadConfig{BatchSize: batch},
					[]string{"text://a"})
				var got []int64
				for _, one := range all {
					got = append(got, one.Offset)
				}
				if err != nil || !slices.Equal(got, test.want) {
					t.Errorf("%s %q in splits of %d: records at %v, want %v: %v", test.kind, test.text, size, got, test.want, err)
				}
			}
		}
	}
}

func TestManyBlankLinesCostNoMoreThanOthers(t *testing.T) {
	const lines = 400_000
	split := splitNamed(t, "a", bytes.Repeat([]byte("1\n\n"), lines))
	for _, kind := range []mapreduce.Records{mapreduce.CSV, mapreduce.NDJSON} {
		all, err := records(t, Open(split, ReadConfig{Records: kind}))
		if err != nil || len(all) != lines {
			t.Errorf("%s: %d records, %v", kind, len(all), err)
		}
	}
}

func TestLineThatIsNoJSONIsNamed(t *testing.T) {
	for text, at := range map[string]int{"{}\n{\n": 3, "1 2\n": 0, "1\n\n2\nx": 5, "nul\n": 0, "\"a\nb\"\n": 0} {
		s := &texts{content: map[string]string{"text://a": text}}
		reach := Reach{Schemes: map[string]Scheme{"text": s}}
		cfg := PlanConfig{Reach: reach, Records: mapreduce.NDJSON, SplitSize: 1}
		_, _, err := readPlanned(t, cfg, ReadConfig{}, []string{"text://a"})
		if err == nil || mapreduce.IsPermanent(err) {
			t.Fatalf("%q: %v", text, err)
		}
		if want := fmt.Sprintf("input text://a: record at byte %d: not one JSON value: ", at); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		all, _, err := readPlanned(t, cfg, ReadConfig{Lenient: true}, []string{"text://a"})
		if err != nil {
			t.Errorf("lenient: %v", err)
		}
		for _, one := range all {
			if err := Check(mapreduce.NDJSON, []byte(one.Text)); (err == nil) != json.Valid([]byte(one.Text)) {
				t.Errorf("%q: %v", one.Text, err)
			}
		}
	}
	if err := Check(mapreduce.Lines, []byte("{")); err != nil {
		t.Error(err)
	}
}

func TestWholeFilesAreNeverCutAndShareSplits(t *testing.T) {
	dir := t.TempDir()
	texts := []string{strings.Repeat("a line\n", 100), "", "b\nc", "d"}
	var want []record
	for i, text := range texts {
		path := write(t, filepath.Join(dir, fmt.Sprint(i)), text)
		if text != "" {
			want = append(want, record{path, 0, text})
		}
	}
	for size, splits := range map[int64]int{1: 3, 4: 2, 1000: 1} {
		m := plan(t, PlanConfig{Records: mapreduce.Whole, SplitSize: size}, dir)
		var all []record
		for _, split := range m.splits(t) {
			more, err := records(t, Open(split, ReadConfig{Records: mapreduce.Whole, BatchSize: 3}))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, more...)
		}
		if diff := cmp.Diff(want, all); diff != "" || m.summary.Splits != splits {
			t.Errorf("%d splits of %d bytes: %s", m.summary.Splits, size, diff)
		}
	}
}

func TestFixedRecordsAreCutAtTheirMultiples(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		each, n := rapid.IntRange(1, 40).Draw(rt, "bytes"), rapid.IntRange(0, 30).Draw(rt, "records")
		text := strings.Repeat("\n\"x", 1000)[:each*n]
		s := &texts{content: map[string]string{}}
		name := s.store(t, "a", rapid.SampledFrom([]mapreduce.Codec{"", mapreduce.Gzip}).Draw(rt, "codec"), text)
		plan := PlanConfig{Records: mapreduce.FixedRecords(each), SplitSize: rapid.Int64Range(1, 99).Draw(rt, "split size")}
		plan.Schemes = map[string]Scheme{"text": s}
		all, splits, err := readPlanned(rt, plan, ReadConfig{BatchSize: rapid.IntRange(1, 99).Draw(rt, "batch")}, []string{name})
		if err != nil || textOf(all) != text || len(all) != n {
			rt.Fatalf("%d records of %d, %v", len(all), n, err)
		}
		for _, split := range splits {
			for _, piece := range split {
				if piece.Source.Codec == "" && (piece.Offset%int64(each) != 0 || piece.Length%int64(each) != 0) {
					rt.Fatalf("a piece of %d bytes at %d", piece.Length, piece.Offset)
				}
			}
		}
	})
}

func TestFileThatIsNoWholeNumberOfRecordsIsRefused(t *testing.T) {
	kind := mapreduce.FixedRecords(10)
	path := write(t, filepath.Join(t.TempDir(), "a"), strings.Repeat("x", 105))
	_, err := tryPlan(t, PlanConfig{Records: kind}, path)
	wantError(t, err, "input "+path, "its 105 bytes are no whole number of records of 10")
	for _, codec := range []mapreduce.Codec{"", mapreduce.Gzip} {
		split := splitNamed(t, "a"+endings[codec], packed[codec](t, bytes.Repeat([]byte("x"), 105)))
		_, err = records(t, Open(split, ReadConfig{Records: kind}))
		wantError(t, err, "input "+split[0].Source.Name, "its 105 bytes are no whole number of records of 10")
	}
}

func TestUnknownRecordsAreRefused(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), "x\n")
	_, err := tryPlan(t, PlanConfig{Records: "avro"}, path)
	wantError(t, err, `unknown records "avro"`)
	_, err = records(t, Open(splitNamed(t, "a", nil), ReadConfig{Records: "fixed:0"}))
	wantError(t, err, `unknown records "fixed:0"`)
	if all, err := records(t, Open(splitNamed(t, "a", []byte("x\n")), ReadConfig{Records: "lines"})); err != nil || len(all) != 1 {
		t.Error(all, err)
	}
}

func TestRecordsAndErrorsNameWhatUsersCallTheSource(t *testing.T) {
	split := splitNamed(t, "a", []byte("{}\n"))
	split[0].Source.As = "s3's own name"
	all, err := records(t, Open(split, ReadConfig{}))
	if err != nil || all[0].Source != "s3's own name" {
		t.Error(all, err)
	}
	if err := rewrite(split[0].Source.Name, "longer than it was"); err != nil {
		t.Fatal(err)
	}
	_, err = records(t, Open(split, ReadConfig{}))
	wantChanged(t, err, "s3's own name", "grew")
	file, err := newListed(mapreduce.Source{Name: "bus://u/1", As: "b.GZ"})
	text, _ := json.Marshal(file.Source)
	if err != nil || file.Codec != mapreduce.Gzip || file.cost != len(text)+1 {
		t.Errorf("%+v %v", file, err)
	}
}
