package web

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// axis is the time that a drawing spans. Its end is rounded up, so that what has ended does not move with each second.
type axis struct {
	from time.Time
	step time.Duration
	span time.Duration
	grid string // lines at its steps, through the whole height
}

// steps are the distances between two lines of an axis.
var steps = [...]time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second,
	10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
	15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

const mostSteps = 8

func newAxis(from, to time.Time) axis {
	took := max(to.Sub(from), time.Millisecond)
	step := took/mostSteps + 1 // when it is longer than days
	for _, s := range steps {
		if took <= s*mostSteps {
			step = s
			break
		}
	}
	a := axis{from: from, step: step, span: (took + step - 1) / step * step}
	for _, tick := range a.ticks() {
		a.grid += fmt.Sprintf(`<line x1="%[1]s" x2="%[1]s" y1="0" y2="100%%"/>`, a.at(from.Add(tick)))
	}
	return a
}

// part is where a time stands, in percent.
func (a axis) part(t time.Time) float64 {
	return max(0, min(100, float64(t.Sub(a.from))/float64(a.span)*100))
}

// at is where a time stands, as a drawing says it.
func (a axis) at(t time.Time) string { return percent(a.part(t)) }

func percent(part float64) string { return strconv.FormatFloat(part, 'f', 2, 64) + "%" }

// ticks is where the lines stand.
func (a axis) ticks() (at []time.Duration) {
	for d := time.Duration(0); d <= a.span; d += a.step {
		at = append(at, d)
	}
	return at
}

// tickWords is the time at a line.
func tickWords(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d < time.Minute:
		return fmt.Sprintf("%g s", d.Seconds())
	case d < time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60), "00s")
	}
	return strings.TrimSuffix(fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60), "00m")
}

// laneView is a row of the drawing: what one worker did.
type laneView struct {
	Row    string
	Worker string
	Host   string
	SVG    template.HTML
}

// drawingView is what stands around the lanes.
type drawingView struct {
	Axis     template.HTML
	Attempts string
	Hidden   string
	Workers  int // whose lanes are left out
	Empty    bool
	Over     bool // the job has ended
}

const (
	mostLanes = 200
	mostDeep  = 16 // attempts beside each other in one lane
	barHigh   = 12
	barPitch  = 14
)

// drawing draws the attempts, a lane for each worker, by time.
func drawing(t mapreduce.Timeline, now time.Time) part {
	from, end := t.Job.Since, endOf(t, now)
	for _, a := range t.Attempts {
		if from.IsZero() || a.Began.Before(from) {
			from = a.Began
		}
		end = later(end, a.Ended)
	}
	x, lanes := newAxis(from, end), byWorker(t.Attempts)
	v := drawingView{
		Axis: drawAxis(x), Attempts: grouped(len(t.Attempts)), Workers: max(0, len(lanes)-mostLanes),
		Empty: len(t.Attempts) == 0, Over: t.Job.State.Final(),
	}
	if t.Hidden > 0 {
		v.Hidden = grouped(t.Hidden)
	}
	return newRows("drawing", v, laneRows(x, lanes[:min(len(lanes), mostLanes)], t.Workers, end))
}

// laneRows draws each lane.
func laneRows(x axis, lanes [][]mapreduce.AttemptTime, shares []mapreduce.WorkerShare, end time.Time) []part {
	hosts := map[mapreduce.WorkerID]string{}
	for _, w := range shares {
		hosts[w.Worker] = w.Host
	}
	rows := make([]part, 0, len(lanes))
	for i, lane := range lanes {
		worker := lane[0].Attempt.Worker
		view := laneView{
			Row: fmt.Sprintf("lane-%d-%s", i, token(string(worker))), Worker: line(string(worker), mostName), Host: line(hosts[worker], mostName),
			SVG: drawLane(x, lane, end),
		}
		rows = append(rows, part{ID: view.Row, HTML: render("row-lane", view)})
	}
	return rows
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// byWorker is the attempts of each worker, by their beginning; the workers by name.
func byWorker(attempts []mapreduce.AttemptTime) [][]mapreduce.AttemptTime {
	of := map[mapreduce.WorkerID][]mapreduce.AttemptTime{}
	for _, a := range attempts {
		of[a.Attempt.Worker] = append(of[a.Attempt.Worker], a)
	}
	var lanes [][]mapreduce.AttemptTime
	for _, lane := range of {
		slices.SortStableFunc(lane, func(a, b mapreduce.AttemptTime) int { return a.Began.Compare(b.Began) })
		lanes = append(lanes, lane)
	}
	slices.SortFunc(lanes, func(a, b []mapreduce.AttemptTime) int { return cmp.Compare(a[0].Attempt.Worker, b[0].Attempt.Worker) })
	return lanes
}

// laneWords says what a lane shows to whoever does not see it.
func laneWords(lane []mapreduce.AttemptTime) string {
	counts := map[mapreduce.Outcome]int{}
	stragglers := 0
	for _, a := range lane {
		counts[a.Outcome]++
		if a.Straggler {
			stragglers++
		}
	}
	words := fmt.Sprintf("%d attempts", len(lane))
	for _, o := range []mapreduce.Outcome{
		mapreduce.OutcomeCommitted, mapreduce.OutcomeRunning, mapreduce.OutcomeFailed, mapreduce.OutcomeLost, mapreduce.OutcomeBeaten,
	} {
		if counts[o] > 0 {
			words += fmt.Sprintf(", %d %s", counts[o], o)
		}
	}
	if stragglers > 0 {
		words += fmt.Sprintf(", %d slow", stragglers)
	}
	return words
}

func drawAxis(x axis) template.HTML {
	var svg strings.Builder
	svg.WriteString(`<svg class="axis" width="100%" height="16" aria-hidden="true">`)
	for i, tick := range x.ticks() {
		anchor, class := "middle", ""
		if i%2 == 1 {
			class = ` class="odd"` // left out where there is little room
		}
		switch tick {
		case 0:
			anchor = "start"
		case x.span:
			anchor = "end"
		}
		fmt.Fprintf(&svg, `<text%s x="%s" y="12" text-anchor="%s">%s</text>`, class, x.at(x.from.Add(tick)), anchor, tickWords(tick))
	}
	svg.WriteString(`</svg>`)
	return template.HTML(svg.String())
}

// drawLane draws attempts as bars: beside each other where they ran at the same time.
func drawLane(x axis, lane []mapreduce.AttemptTime, end time.Time) template.HTML {
	levels, deep := stack(lane, end)
	var svg strings.Builder
	high := deep*barPitch + 2
	fmt.Fprintf(&svg, `<svg class="lane" width="100%%" height="%d" role="img" aria-label="%s">`, high, html.EscapeString(laneWords(lane)))
	svg.WriteString(x.grid)
	for i, a := range lane {
		drawBar(&svg, x, a, levels[i]*barPitch+2, end)
	}
	svg.WriteString(`</svg>`)
	return template.HTML(svg.String())
}

// drawBar draws one attempt: its outcome by its shape, and by a sign where it did not go as most did.
func drawBar(svg *strings.Builder, x axis, a mapreduce.AttemptTime, y int, end time.Time) {
	began, ended := x.part(a.Began), x.part(later(a.Began, ended(a, end)))
	title := line(strings.Join([]string{
		taskWords(a.Task), strings.TrimSpace(word(a.Outcome) + " " + marks(a)), "attempt " + a.Attempt.String(), span(tookOf(a, end)),
	}, ", "), mostLine)
	class := "b-" + token(string(a.Outcome)) + " p-" + token(string(a.Task.Phase))
	if a.Straggler {
		class += " slow"
	}
	fmt.Fprintf(svg, `<g class="%s"><title>%s</title><rect x="%s" y="%d" width="%s" height="%d"/>`,
		class, html.EscapeString(title), percent(began), y, percent(ended-began), barHigh-2)
	if sign := sign(a); sign != "" {
		fmt.Fprintf(svg, `<text x="%s" y="%d" dx="2">%s</text>`, percent(began), y+barHigh-4, sign)
	}
	svg.WriteString(`</g>`)
}

// ended is when an attempt ended, or now.
func ended(a mapreduce.AttemptTime, now time.Time) time.Time {
	if a.Ended.IsZero() {
		return now
	}
	return a.Ended
}

// stack finds for each attempt of a lane a level where no other is at that time; past mostDeep they share the last one.
func stack(lane []mapreduce.AttemptTime, end time.Time) (levels []int, deep int) {
	var free []time.Time // when each level is
	for _, a := range lane {
		level := slices.IndexFunc(free, func(t time.Time) bool { return !t.After(a.Began) })
		switch {
		case level < 0 && len(free) < mostDeep:
			level, free = len(free), append(free, time.Time{})
		case level < 0:
			level = mostDeep - 1
		}
		free[level] = later(free[level], ended(a, end))
		levels = append(levels, level)
	}
	return levels, len(free)
}
