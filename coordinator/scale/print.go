package scale

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Print writes what a run cost: of the whole, by kind of event, and on the bus.
func (r Result) Print(out io.Writer) {
	all, each := r.Spent()
	fmt.Fprintf(out, "%d workers × %d slots, %d splits, R = %d: makespan %.1f s, %.0f tasks/s, %d workers died\n",
		r.Config.Workers, r.Config.Slots, r.Config.Splits, r.Reduces, r.Makespan.Seconds(), r.perSecond(r.Tasks()), r.Deaths)
	fmt.Fprintf(out, "in Step %.2f s: %.2f µs a task, %.1f %% of one core at this rate; %d events waited at most\n\n",
		all.Seconds(), micro(each), 100*all.Seconds()/r.Makespan.Seconds(), r.Behind)
	r.printKinds(out)
	fmt.Fprintf(out, "\n%s\n\n", r.commands())
	r.printMessages(out)
	fmt.Fprintf(out, "\nrosters: %.1f MB stored, read by each of %d reduces\n\n", mega(r.RosterBytes), r.Reduces)
}

func (r Result) printKinds(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer t.Flush()
	fmt.Fprintln(t, "event\tcount\ta task\tµs each\tmost ms\tallocations\tbytes\tµs a task\t")
	kinds := slices.SortedFunc(maps.Keys(r.Kinds), func(a, b string) int {
		return cmp.Compare(r.Kinds[b].Spent, r.Kinds[a].Spent)
	})
	for _, name := range kinds {
		k := r.Kinds[name]
		allocs, bytes := k.Allocs()
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.2f\t%.2f\t%.1f\t%.0f\t%.2f\t\n", name, k.Count, r.perTask(k.Count),
			micro(k.Spent)/float64(k.Count), micro(k.Most)/1000, allocs, bytes, micro(k.Spent)/float64(r.Tasks()))
	}
}

// commands is how many of each kind there were.
func (r Result) commands() string {
	words := []string{"commands:"}
	sum := 0
	for _, name := range slices.Sorted(maps.Keys(r.Commands)) {
		sum += r.Commands[name]
		words = append(words, fmt.Sprintf("%s %d,", name, r.Commands[name]))
	}
	return strings.Join(append(words, fmt.Sprintf("%.4f a task", r.perTask(sum))), " ")
}

func (r Result) printMessages(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer t.Flush()
	m := r.Messages
	fmt.Fprintln(t, "message\tcount\ta task\ta second\tbytes each\tµs to read\t")
	for _, row := range []struct {
		name  string
		count int
		text  string
	}{
		{"heartbeats", m.Beats, "Beat"}, {"signs of life for tasks", m.Progress, ""}, {"tasks queued", m.Queued, "Task"},
		{"tasks handed out", m.Tasks, "Task"}, {"records", m.Records, "Commit"}, {"acks of tasks", m.Acks, ""},
		{"words to users", m.Told, ""},
	} {
		text := r.Texts[row.text]
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.0f\t%d\t%.1f\t\n", row.name, row.count, r.perTask(row.count), r.perSecond(row.count),
			text.Bytes(), micro(text.Reading()))
	}
}

// Print writes what a takeover cost.
func (t Takeover) Print(out io.Writer) {
	splits := float64(t.Config.Splits)
	fmt.Fprintf(out, "takeover of %d records, %.1f MB: read in %.0f ms, taken in %.0f ms (%.2f µs each), the first %d tasks queued in %.0f ms\n",
		t.Records, mega(t.Bytes), milli(t.Decode), milli(t.Replay), micro(t.Replay)/float64(t.Records), t.Queued, milli(t.Lead))
	fmt.Fprintf(out, "state: %.1f MB with all records, %.0f bytes a task; %.1f MB with %d workers and the first tasks\n\n",
		mega(t.Heap), float64(t.Heap)/splits, mega(t.Leading), t.Config.Workers)
}

func (r Result) perTask(n int) float64 { return float64(n) / float64(r.Tasks()) }

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func milli(d time.Duration) float64 { return micro(d) / 1e3 }

func mega(bytes int) float64 { return float64(bytes) / 1e6 }
