package mapreduce_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestLinesAreAllOfTheBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.SampledFrom([]byte("\n\n\rab"))).Draw(t, "data")
		batch := mapreduce.Batch{Offset: rapid.Int64Range(0, 1<<50).Draw(t, "offset"), Data: data}
		var joined []byte
		for offset, line := range batch.Lines() {
			if want := batch.Offset + int64(len(joined)); offset != want {
				t.Fatalf("line %q is at %d, want %d", line, offset, want)
			}
			if bytes.IndexByte(line, '\n') >= 0 {
				t.Fatalf("line %q holds a line end", line)
			}
			joined = append(append(joined, line...), '\n')
		}
		if len(data) > 0 && data[len(data)-1] != '\n' {
			joined = joined[:len(joined)-1]
		}
		if !bytes.Equal(joined, data) {
			t.Fatalf("the lines make %q of %q", joined, data)
		}
	})
}

func TestLinesEndWhenNoMoreAreWanted(t *testing.T) {
	var seen []string
	for _, line := range (mapreduce.Batch{Data: []byte("a\nb\nc")}).Lines() {
		if seen = append(seen, string(line)); len(seen) == 2 {
			break
		}
	}
	if len(seen) != 2 || seen[0] != "a" || seen[1] != "b" {
		t.Errorf("got %q", seen)
	}
}
