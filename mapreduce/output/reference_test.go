package output

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// The whole of a word count in one loop: the words, counted, in the original order, as CSV, are the original's results.
func TestReferenceTextsGiveTheirHistograms(t *testing.T) {
	for _, name := range []string{"raposa_e_as_uvas", "sample", "hamlet", "lusiadas"} {
		t.Run(name, func(t *testing.T) {
			want := reference(t, name+".csv")
			order := orderOf(t, "original")
			counts := map[string]int{}
			var words programs.Words
			words.Reset(reference(t, name+".txt"))
			for word := words.Next(); word != nil; word = words.Next() {
				counts[string(order.AppendKey(nil, word))]++
			}
			var got bytes.Buffer
			rows := NewRows(&got, CSV, mapreduce.Program{Numeric: true})
			for _, composite := range slices.Sorted(maps.Keys(counts)) {
				key, err := order.Key([]byte(composite))
				must(t, err)
				must(t, rows.Row(key, strconv.AppendInt(nil, int64(counts[composite]), 10)))
			}
			must(t, rows.Flush())
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%d rows, but not those of %s.csv", rows.Count(), name)
			}
		})
	}
}
