package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// result is a setting's tasks per second, round by round.
type result struct {
	name  string
	rates []float64
}

// median of an even number is the mean of the two in the middle. The rates keep their order.
func (r result) median() float64 {
	sorted := slices.Sorted(slices.Values(r.rates))
	upper := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[upper]
	}
	return (sorted[upper-1] + sorted[upper]) / 2
}

func writeTable(out io.Writer, results []result) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\ttasks/s\tleast\tmost\t")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%.0f\t%.0f\t%.0f\t\n", r.name, r.median(), slices.Min(r.rates), slices.Max(r.rates))
	}
	return table.Flush()
}

// writeJSON writes one object a line, for programs.
func writeJSON(out io.Writer, results []result) error {
	encoder := json.NewEncoder(out)
	for _, r := range results {
		line := struct {
			Name  string  `json:"name"`
			Tasks float64 `json:"tasks_per_second"`
		}{r.name, math.Round(r.median())}
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
