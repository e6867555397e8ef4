package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

func newTimeline(terminal Terminal) *cobra.Command {
	l := &look{terminal: terminal}
	return l.register(&cobra.Command{
		Use: "timeline ID", Short: "Show how the tasks of a job go or went: phases, attempts, workers, skew", Args: oneJob,
		ValidArgsFunction: l.server.completeJob(anyJob),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.ask(cmd.Context(), func(ctx context.Context, desk *bus.Desk) error {
				timeline, err := desk.Timeline(ctx, mapreduce.JobID(args[0]))
				if err != nil {
					return err
				}
				return l.show(timeline, func(w io.Writer) error { return showTimeline(w, timeline) })
			})
		},
	})
}

// showTimeline writes what a page would draw, as tables: of attempts those that did not go as most did.
func showTimeline(w io.Writer, t mapreduce.Timeline) error {
	parts := []string{fmt.Sprintf("%s is %s", t.Job.ID, t.Job.State)}
	if len(t.Phases) == 0 {
		parts = append(parts, "how its tasks went is not known (any more)")
	}
	if t.Earlier {
		parts = append(parts, "an earlier coordinator has seen some of it: some attempts may be missing")
	}
	for _, of := range []string{phaseTable(t), oddTable(t), shareTable(t), skewTable(t)} {
		if of != "" {
			parts = append(parts, "", of)
		}
	}
	_, err := fmt.Fprintln(w, strings.Join(parts, "\n"))
	return err
}

func phaseTable(t mapreduce.Timeline) string {
	if len(t.Phases) == 0 {
		return ""
	}
	of := columns(
		"phase", "done", "running", "failed", "lost", "beaten", "copies", "span", "min", "median", "p90", "p99", "max", "slowest",
	)
	for _, p := range t.Phases {
		slowest := ""
		if p.Slowest != nil {
			slowest = fmt.Sprintf("%d by %s", p.Slowest.Task.N, p.Slowest.Attempt)
		}
		of.AppendRow(table.Row{
			p.Phase, fmt.Sprintf("%d/%d", p.Done, p.Tasks), p.Running, p.Failed, p.Lost, p.Beaten, p.Speculative, span(p.Began, p.Ended),
			short(p.Took.Min), short(p.Took.Median), short(p.Took.P90), short(p.Took.P99), short(p.Took.Max), slowest,
		})
	}
	return of.Render()
}

// fewAttempts is how many attempts, workers and partitions are shown of each; --json has the others.
const fewAttempts = 20

// oddTable is the attempts that did not go as most did, by their beginning.
func oddTable(t mapreduce.Timeline) string {
	odd := slices.DeleteFunc(slices.Clone(t.Attempts), func(a mapreduce.AttemptTime) bool {
		usual := a.Outcome == mapreduce.OutcomeCommitted || a.Outcome == mapreduce.OutcomeRunning
		return usual && !a.Straggler && !a.Speculative
	})
	if len(odd) == 0 {
		return ""
	}
	of := columns("attempt", "task", "outcome", "began", "took", "reason")
	for _, a := range odd[:min(len(odd), fewAttempts)] {
		outcome := string(a.Outcome)
		if a.Straggler {
			outcome += ", slow"
		}
		if a.Speculative {
			outcome += ", copy"
		}
		of.AppendRow(table.Row{
			a.Attempt, fmt.Sprintf("%s %d", a.Task.Phase, a.Task.N), outcome, a.Began.Local().Format(time.TimeOnly), span(a.Began, a.Ended),
			firstLine(a.Reason, 60),
		})
	}
	return more(of.Render(), len(odd), 0)
}

func shareTable(t mapreduce.Timeline) string {
	if len(t.Workers) == 0 {
		return ""
	}
	of := columns("worker", "host", "committed", "took", "each")
	for _, s := range t.Workers[:min(len(t.Workers), fewAttempts)] {
		of.AppendRow(table.Row{s.Worker, s.Host, s.Committed, short(s.Took), short(s.Took / time.Duration(max(1, s.Committed)))})
	}
	return more(of.Render(), len(t.Workers), t.HiddenWorkers)
}

// skewTable is the largest partitions, and how much larger than the others.
func skewTable(t mapreduce.Timeline) string {
	if len(t.Partitions) == 0 {
		return ""
	}
	of := columns("partition", "records", "groups", "rows", "of the mean")
	for _, p := range t.Partitions[:min(len(t.Partitions), fewAttempts)] {
		mean := float64(max(1, t.MeanPartition))
		of.AppendRow(table.Row{p.Partition, p.Records, p.Groups, p.Rows, fmt.Sprintf("%.2f", float64(p.Records)/mean)})
	}
	return more(of.Render(), len(t.Partitions), t.HiddenPartitions)
}

// more adds how many rows a table leaves out.
func more(text string, rows, hidden int) string {
	if left := max(0, rows-fewAttempts) + hidden; left > 0 {
		text += fmt.Sprintf("\n(%d more)", left)
	}
	return text
}

// span is how long something lasted, or has lasted.
func span(began, ended time.Time) string {
	switch {
	case began.IsZero():
		return ""
	case ended.IsZero():
		return "since " + began.Local().Format(time.TimeOnly)
	}
	return short(ended.Sub(began))
}

// short is a duration in three figures or so.
func short(d time.Duration) string {
	for unit := time.Duration(1); ; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
}
