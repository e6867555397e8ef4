package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"jetreduce/mapreduce"
)

// bar shows how far a job is, on a terminal; elsewhere it shows nothing.
type bar struct {
	writer  progress.Writer // nil: nothing is shown
	tracker *progress.Tracker
	done    chan struct{}
}

func newBar(to io.Writer, off bool) *bar {
	file, ok := to.(*os.File)
	if off || !ok || !term.IsTerminal(int(file.Fd())) {
		return &bar{}
	}
	w := progress.NewWriter()
	w.SetOutputWriter(to)
	w.SetAutoStop(false)
	w.SetUpdateFrequency(100 * time.Millisecond)
	w.SetTrackerLength(24)
	w.SetTrackerPosition(progress.PositionRight)
	w.SetStyle(style())
	width, _, err := term.GetSize(int(file.Fd()))
	if err == nil {
		w.SetTerminalWidth(width)
	}
	b := &bar{writer: w, done: make(chan struct{})}
	b.tracker = &progress.Tracker{Message: "starting", Units: progress.UnitsBytes, DeferStart: false}
	w.AppendTracker(b.tracker)
	go func() {
		defer close(b.done)
		w.Render()
	}()
	return b
}

// style is one line without colours: message, bar, share, amount and speed, time left.
func style() progress.Style {
	s := progress.StyleBlocks
	s.Options.Separator = " "
	s.Options.DoneString = ""
	s.Options.ETAPrecision = time.Second
	s.Options.ETAString = "left"
	s.Options.TimeInProgressPrecision = time.Second
	s.Options.PercentFormat = "%3.0f%%"
	s.Visibility.ETA = true
	s.Visibility.Speed = true
	s.Visibility.Time = true
	return s
}

// show takes in where the job stands.
func (b *bar) show(status mapreduce.Status) {
	if b.writer == nil {
		return
	}
	b.tracker.UpdateMessage(headline(status))
	if status.Bytes.Total > 0 {
		b.tracker.UpdateTotal(status.Bytes.Total)
		b.tracker.SetValue(min(status.Bytes.Done, status.Bytes.Total))
	}
}

// headline says what the job is doing, and what it waits for.
func headline(s mapreduce.Status) string {
	switch s.State {
	case mapreduce.Mapping, mapreduce.Reducing:
		return fmt.Sprintf("%s: maps %d/%d, reduces %d/%d", s.State, s.Maps.Done, s.Maps.Total, s.Reduces.Done, s.Reduces.Total)
	}
	if s.Waiting != "" {
		return fmt.Sprintf("%s: waiting for %s", s.State, s.Waiting)
	}
	return string(s.State)
}

// close takes the bar off the terminal.
func (b *bar) close() {
	if b.writer == nil {
		return
	}
	b.tracker.MarkAsDone()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for !b.writer.IsRenderInProgress() { // Stop does nothing before Render has begun
		<-ticker.C
	}
	b.writer.Stop()
	<-b.done
}

// summary is the one line that closes a job: `34,901 words, 5,373 distinct, 0.1 s → out.csv`.
func summary(program mapreduce.Program, s mapreduce.Status, took time.Duration, to string) string {
	numbers := message.NewPrinter(language.English)
	line := numbers.Sprintf("%d %s", s.Records, cmp.Or(program.Noun, "pairs"))
	if s.Groups > 0 || s.Records == 0 && program.Reducer != nil { // else it was map only
		line += numbers.Sprintf(", %d distinct", s.Groups)
	}
	line += fmt.Sprintf(", %.1f s", took.Seconds())
	if s.Quarantined > 0 {
		line += fmt.Sprintf(", %s left out", records(s.Quarantined))
	}
	if to != "-" {
		line += " → " + to
	}
	return line + counters(s.Counters)
}

// manyInputs is from when on it matters that each has a process of its own.
const manyInputs = 1000

// sayShare says what would make a job faster.
func sayShare(to io.Writer, commands mapreduce.Commands, s mapreduce.Status) {
	if commands.Map != "" && !commands.Shared && s.Inputs >= manyInputs {
		fmt.Fprintf(to, "jetreduce: each of %d inputs had a process of its own; with --share small ones share one, if the command needs no JETREDUCE_INPUT\n",
			s.Inputs)
	}
}

// mostCounters are told; `jetreduce status` has all.
const mostCounters = 20

// counters are what the program has counted, a line each.
func counters(of mapreduce.Counters) (lines string) {
	names := slices.Sorted(maps.Keys(of))
	for _, name := range names[:min(len(names), mostCounters)] {
		lines += fmt.Sprintf("\n  %s: %s", strings.Replace(name, ",", ", ", 1), message.NewPrinter(language.English).Sprint(of[name]))
	}
	if more := len(names) - mostCounters; more > 0 {
		lines += fmt.Sprintf("\n  and %d more", more)
	}
	return lines
}
