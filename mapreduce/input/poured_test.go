package input

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// pours is a scheme whose sources come from their beginning to their end, and nobody knows how many bytes.
type pours struct {
	content  map[string]string
	fails    error // at the end
	changed  error
	open     int
	verified int
}

func (s *pours) List(_ context.Context, input string) ([]mapreduce.Source, error) {
	return []mapreduce.Source{{Name: input, Identity: "1", Whole: true, As: strings.TrimPrefix(input, "pour://")}}, nil
}

func (s *pours) Open(_ context.Context, source mapreduce.Source) (mapreduce.Content, error) {
	s.open++
	var pour io.Reader = strings.NewReader(s.content[source.Name])
	if s.fails != nil {
		pour = io.MultiReader(pour, failing{s.fails})
	}
	return mapreduce.Content{
		Pour:   pour,
		Verify: func() error { s.verified++; return s.changed },
		Close:  func() error { s.open--; return nil },
	}, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestPouredSourcesAreReadToTheirEnd(t *testing.T) {
	long := strings.Repeat("a line of a stream\n", 200_000)
	s := &pours{content: map[string]string{"pour://long": long, "pour://none": "", "pour://a.gz": string(gzipped(t, stories...))}}
	reach := Reach{Schemes: map[string]Scheme{"pour": s}}
	m := plan(t, PlanConfig{Reach: reach, SplitSize: 10}, "pour://long", "pour://none", "pour://a.gz", "pour://a.gz")
	splits := m.splits(t)
	if len(splits) != 4 || splits[0][0].Source.Codec != "" || splits[2][0].Source.Codec != mapreduce.Gzip {
		t.Fatalf("%+v", splits)
	}
	for i, want := range []string{long, "", story, story} {
		var read int64
		all, err := records(t, Open(splits[i], ReadConfig{Reach: reach, Progress: func(n int64) { read = n }}))
		if err != nil || textOf(all) != want || read != int64(len(s.content[splits[i][0].Source.Name])) {
			t.Errorf("%d: %d records, %d bytes read, %v", i, len(all), read, err)
		}
		if len(all) > 0 && all[0].Source != splits[i][0].Source.Title() {
			t.Errorf("the source is said to be %s", all[0].Source)
		}
	}
	both := slices.Concat(splits[2], splits[3])
	if all, err := records(t, Open(both, ReadConfig{Reach: reach})); err != nil || textOf(all) != story+story {
		t.Errorf("the same one twice: %q %v", textOf(all), err)
	}
	if s.open != 0 || s.verified != 6 {
		t.Errorf("%d left open, %d verified", s.open, s.verified)
	}
}

func TestPourThatEndsEarlySaysSoItself(t *testing.T) {
	cut := errors.New("input pour://a: message 7 is gone")
	for _, fails := range []error{cut, io.ErrUnexpectedEOF, io.ErrNoProgress} {
		for _, codec := range append(codecs, "") {
			name := "pour://a" + endings[codec]
			s := &pours{content: map[string]string{name: string(packed[codec](t, stories...))}, fails: fails}
			reach := Reach{Schemes: map[string]Scheme{"pour": s}}
			all, err := records(t, Open(plan(t, PlanConfig{Reach: reach}, name).splits(t)[0], ReadConfig{Reach: reach}))
			if err != fails || s.open != 0 {
				t.Errorf("%s: %d records, %v", name, len(all), err)
			}
		}
	}
}

func TestPouredSourceIsVerifiedAtItsEnd(t *testing.T) {
	s := &pours{content: map[string]string{"pour://a": story}, changed: changed("a", "another stream has its name")}
	reach := Reach{Schemes: map[string]Scheme{"pour": s}}
	split := plan(t, PlanConfig{Reach: reach}, "pour://a").splits(t)[0]
	all, err := records(t, Open(split, ReadConfig{Reach: reach}))
	wantChanged(t, err, "a", "another stream")
	if textOf(all) != story {
		t.Errorf("%q", textOf(all))
	}
	split[0].Source.Size, split[0].Length = 10, 5
	_, err = records(t, Open(split, ReadConfig{Reach: reach}))
	wantError(t, err, "input a: can only be read whole, not 5 bytes at byte 0 of 10")
}

func TestPouredSourceIsPartOfNoOthersSplit(t *testing.T) {
	s := &pours{content: map[string]string{"pour://a": "a\n", "pour://b": "b\n"}}
	file := write(t, filepath.Join(t.TempDir(), "f"), "f\n")
	m := plan(t, PlanConfig{Reach: Reach{Schemes: map[string]Scheme{"pour": s}}}, file, "pour://a", "pour://b", file, file)
	if splits := m.splits(t); len(splits) != 4 || len(splits[3]) != 2 {
		t.Errorf("%+v", splits)
	}
}
