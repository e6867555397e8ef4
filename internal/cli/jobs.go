package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

// look is a command that asks the leader something and shows the answer.
type look struct {
	terminal Terminal
	server   serverFlag
	asJSON   bool
}

func (l *look) register(cmd *cobra.Command) *cobra.Command {
	l.server.register(cmd, "nats://"+bus.DefaultAddr)
	cmd.Flags().BoolVar(&l.asJSON, "json", false, "as JSON")
	return cmd
}

// ask calls with a desk.
func (l *look) ask(ctx context.Context, use func(ctx context.Context, desk *bus.Desk) error) error {
	return l.server.desk(ctx, quiet(), func(ctx context.Context, b *bus.Bus) error { return use(ctx, b.Desk()) })
}

// show writes an answer as JSON, or as text.
func (l *look) show(answer any, text func(w io.Writer) error) error {
	if !l.asJSON {
		return text(l.terminal.Out)
	}
	encoder := json.NewEncoder(l.terminal.Out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(answer)
}

func newJobs(terminal Terminal) *cobra.Command {
	l := &look{terminal: terminal}
	var state, before string
	cmd := l.register(&cobra.Command{
		Use: "jobs", Short: "List the jobs, the latest first", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.ask(cmd.Context(), func(ctx context.Context, desk *bus.Desk) error {
				list, err := desk.ListBefore(ctx, mapreduce.JobID(before))
				if err != nil {
					return err
				}
				if state != "" {
					list.Jobs = slices.DeleteFunc(list.Jobs, func(s mapreduce.Status) bool { return s.State != mapreduce.State(state) })
				}
				return l.show(list, func(w io.Writer) error { return showJobs(w, list) })
			})
		},
	})
	cmd.Flags().StringVar(&before, "before", "", "only those submitted before the job with this `ID` (all)")
	cmd.Flags().StringVar(&state, "state", "", "only those in this `STATE` (all)")
	cmd.PreRunE = func(*cobra.Command, []string) error { return checkState(state) }
	completed(cmd, map[string]cobra.CompletionFunc{"state": completeStates})
	return cmd
}

// checkState refuses what is no state of a job.
func checkState(state string) error {
	if states := mapreduce.UserStates(); state != "" && !slices.Contains(states, mapreduce.State(state)) {
		return usageError{fmt.Errorf("--state %q: use one of %v", state, states)}
	}
	return nil
}

func showJobs(w io.Writer, list mapreduce.JobList) error {
	t := columns("job", "state", "program", "maps", "reduces", "pool", "priority", "since", "error")
	for _, s := range list.Jobs {
		t.AppendRow(table.Row{
			s.ID, s.State, s.Program, done(s.Maps), done(s.Reduces), s.Pool.OrDefault(), s.Priority,
			s.Since.Local().Format(time.DateTime), firstLine(s.Error, 60),
		})
	}
	text := t.Render()
	if list.More > 0 {
		text += fmt.Sprintf("\n(%d earlier ones: `jetreduce jobs --before ID` lists those before a job)", list.More)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

func done(p mapreduce.Progress) string { return fmt.Sprintf("%d/%d", p.Done, p.Total) }

// firstLine is the beginning of a text that may be long.
func firstLine(text string, most int) string {
	line, _, _ := strings.Cut(text, "\n")
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return line
}

func newStatus(terminal Terminal) *cobra.Command {
	l := &look{terminal: terminal}
	return l.register(&cobra.Command{
		Use: "status ID", Short: "Show where a job stands", Args: oneJob, ValidArgsFunction: l.server.completeJob(anyJob),
		RunE: func(cmd *cobra.Command, args []string) error {
			return l.ask(cmd.Context(), func(ctx context.Context, desk *bus.Desk) error {
				status, err := desk.Ask(ctx, mapreduce.JobID(args[0]))
				if err != nil {
					return err
				}
				if status == nil {
					return fmt.Errorf("%w %q: `jetreduce jobs` lists them", mapreduce.ErrUnknownJob, args[0])
				}
				return l.show(status, func(w io.Writer) error { return showStatus(w, *status) })
			})
		},
	})
}

func showStatus(w io.Writer, s mapreduce.Status) error {
	a := s.Attempts
	rows := [][2]string{
		{"job", string(s.ID)}, {"state", string(s.State)}, {"waiting for", s.Waiting}, {"error", s.Error},
		{"program", s.Program}, {"pool", string(s.Pool)}, {"priority", number(s.Priority)}, {"maps", done(s.Maps)}, {"reduces", done(s.Reduces)},
		{"attempts", fmt.Sprintf("map %d, reduce %d, failed %d, lost %d, speculative %d", a.Map, a.Reduce, a.Failed, a.Lost, a.Speculative)},
		{"left out", leftOut(s)},
		{"input", fmt.Sprintf("%d of %d bytes", s.Bytes.Done, s.Bytes.Total)},
		{"output", resultOf(s)}, {"since", s.Since.Local().Format(time.DateTime)},
		{"leader", fmt.Sprintf("epoch %d", s.Epoch)},
	}
	for _, name := range slices.Sorted(maps.Keys(s.Counters)) {
		rows = append(rows, [2]string{"counted", fmt.Sprintf("%s: %d", strings.Replace(name, ",", ", ", 1), s.Counters[name])})
	}
	for _, row := range rows {
		if row[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-12s %s\n", row[0], row[1]); err != nil {
			return err
		}
	}
	return nil
}

// number is a number that is worth a word: 0 is what most have.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// leftOut says how many records a job has left out.
func leftOut(s mapreduce.Status) string {
	if s.Quarantined == 0 {
		return ""
	}
	return fmt.Sprintf("%s: jetreduce quarantine %s", records(s.Quarantined), s.ID)
}

func records(n int) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

// resultOf says where the result of a job is, or will be.
func resultOf(s mapreduce.Status) string {
	switch {
	case s.State.Final() && s.State != mapreduce.Done:
		return "none"
	case s.Output.To != "":
		return s.Output.To
	case s.State != mapreduce.Done:
		return fmt.Sprintf("on the bus, when it is done: jetreduce output %s", s.ID)
	}
	return fmt.Sprintf("on the bus: jetreduce output %s", s.ID)
}

func newWorkers(terminal Terminal) *cobra.Command {
	l := &look{terminal: terminal}
	return l.register(&cobra.Command{
		Use: "workers", Short: "List the workers", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return l.ask(cmd.Context(), func(ctx context.Context, desk *bus.Desk) error {
				members, err := desk.Workers(ctx)
				if err != nil {
					return err
				}
				return l.show(members, func(w io.Writer) error { return showWorkers(w, members) })
			})
		},
	})
}

func showWorkers(w io.Writer, members []mapreduce.Member) error {
	t := columns("worker", "host", "pool", "slots", "running", "heard")
	for _, m := range members {
		var slots, running []string
		for class, n := range m.Slots {
			slots = append(slots, fmt.Sprintf("%s:%d", class, n))
		}
		slices.Sort(slots)
		for _, r := range m.Running {
			running = append(running, strings.TrimSpace(fmt.Sprintf("%s %d of %s %s", r.Task.Phase, r.Task.N, r.Task.UID, r.Status)))
		}
		slices.Sort(running)
		t.AppendRow(table.Row{
			m.Worker, m.Host, m.Pool.OrDefault(), strings.Join(slots, " "), strings.Join(running, ", "), fmt.Sprintf("%.1f s ago", m.Silent),
		})
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

// oneJob takes the id of one job.
func oneJob(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || !mapreduce.JobID(args[0]).Valid() {
		return usageError{fmt.Errorf("%s takes the id of one job, and got %q", cmd.CommandPath(), args)}
	}
	return nil
}
