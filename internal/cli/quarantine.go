package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

func newQuarantine(terminal Terminal) *cobra.Command {
	l := &look{terminal: terminal}
	return l.register(&cobra.Command{
		Use: "quarantine ID", Short: "List the records that a job has left out (--skip-bad)", Args: oneJob,
		ValidArgsFunction: l.server.completeJob(func(s mapreduce.Status) bool { return s.Quarantined > 0 }),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.ask(cmd.Context(), func(ctx context.Context, desk *bus.Desk) error {
				records, err := desk.Quarantine(ctx, mapreduce.JobID(args[0]))
				if err != nil {
					return err
				}
				return l.show(records, func(w io.Writer) error { return showQuarantine(w, records) })
			})
		},
	})
}

func showQuarantine(w io.Writer, records []mapreduce.BadRecord) error {
	t := columns("input", "byte", "bytes", "reason")
	for _, r := range records {
		t.AppendRow(table.Row{r.Source, r.Offset, r.Length, firstLine(r.Reason, 120)})
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

// fewRecords is how many of the records that were left out are said at the end of a run, if they can be listed later.
const fewRecords = 10

// sayLeftOut names the records that a job has left out, so many at most: an answer that is not of all the input must say so.
func sayLeftOut(ctx context.Context, words io.Writer, desk *bus.Desk, s mapreduce.Status, most int) {
	if s.Quarantined == 0 {
		return
	}
	left, err := desk.Quarantine(ctx, s.ID)
	if err != nil { // the result is there, and the list is kept
		fmt.Fprintf(words, "jetreduce: left out: %s, which nobody has listed (%v): `jetreduce quarantine %s`\n", records(s.Quarantined), err, s.ID)
	}
	for i, r := range left {
		if i == most {
			fmt.Fprintf(words, "jetreduce: left out: %d more: `jetreduce quarantine %s`\n", s.Quarantined-most, s.ID)
			break
		}
		fmt.Fprintf(words, "jetreduce: left out: %s, byte %d, %d bytes: %s\n", r.Source, r.Offset, r.Length, firstLine(r.Reason, 200))
	}
}
