package main

import (
	"reflect"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		rates []float64
		want  float64
	}{
		{[]float64{5}, 5},
		{[]float64{9, 1}, 5},
		{[]float64{100, 1, 3}, 3},
		{[]float64{4, 1, 100, 2}, 3},
	} {
		r := result{rates: append([]float64(nil), c.rates...)}
		if got := r.median(); got != c.want {
			t.Errorf("median of %v: %v, want %v", c.rates, got, c.want)
		}
		if !reflect.DeepEqual(r.rates, c.rates) {
			t.Errorf("%v became %v", c.rates, r.rates)
		}
	}
}

var twoResults = []result{{"jetstream", []float64{3000.4, 1000, 4000}}, {"river-tuned", []float64{20}}}

func TestJSONIsOneObjectALine(t *testing.T) {
	var out strings.Builder
	want := `{"name":"jetstream","tasks_per_second":3000}` + "\n" + `{"name":"river-tuned","tasks_per_second":20}` + "\n"
	if err := writeJSON(&out, twoResults); err != nil || out.String() != want {
		t.Errorf("%v\n%swant\n%s", err, out.String(), want)
	}
}

func TestTableShowsMedianAndBounds(t *testing.T) {
	var out strings.Builder
	if err := writeTable(&out, twoResults); err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(out.String()) {
		rows = append(rows, strings.Fields(line))
	}
	want := [][]string{{"tasks/s", "least", "most"}, {"jetstream", "3000", "1000", "4000"}, {"river-tuned", "20", "20", "20"}}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("%v, want %v", rows, want)
	}
}
