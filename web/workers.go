package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"jetreduce/mapreduce"
)

// workersView is the page of the workers.
type workersView struct{ Count, Hidden int }

// loadView is what there is to do for all of them.
type loadView struct {
	Known  bool
	Queues []queueRow
	Hidden int // queues that are not shown
	Vacant []vacantRow
	Fewer  int // of these that are not shown
	Phases []countRow
}

// workerRow is a worker in the list.
type workerRow struct {
	Row     string
	Worker  string
	Host    string
	Pool    string
	Slots   string
	Running []string
	More    int // attempts that are not shown
	Heard   string
	Silent  bool // for longer than a heartbeat takes
}

const (
	mostWorkers = 2000 // on a page
	mostRunning = 8    // of a worker
)

// workersFrame is the page of the workers.
func (s *Server) workersFrame(ctx context.Context, _ look) frame {
	members, err := s.asks.Workers(ctx)
	f := frame{Title: "Workers", Parts: s.head(ctx, err)}
	if err != nil {
		f.Status = http.StatusServiceUnavailable
		return f
	}
	vitals, unknown := s.asks.Vitals(ctx)
	f.Parts = append(f.Parts, newPart("load", loadOf(vitals, unknown == nil)))
	rows := []part{}
	for i, m := range members[:min(len(members), mostWorkers)] {
		row := s.workerRow(m)
		row.Row = fmt.Sprintf("worker-%d-%s", i, token(string(m.Worker)))
		rows = append(rows, part{ID: row.Row, HTML: render("row-worker", row)})
	}
	f.Parts = append(f.Parts, newRows("workers", workersView{len(members), max(0, len(members)-mostWorkers)}, rows))
	return f
}

func (s *Server) workerRow(m mapreduce.Member) workerRow {
	row := workerRow{
		Worker: line(string(m.Worker), mostName), Host: line(m.Host, mostName), Pool: poolName(m.Pool), Slots: slotWords(m.Slots),
		More: m.Hidden, Heard: "just now",
	}
	if silent := time.Duration(m.Silent * float64(time.Second)); silent >= 3*time.Second {
		row.Heard, row.Silent = span(silent)+" ago", true
	}
	for i, r := range m.Running {
		if i == mostRunning {
			row.More += len(m.Running) - i
			break
		}
		row.Running = append(row.Running, running(r, s.config.Now()))
	}
	return row
}

// running is an attempt under way, in words.
func running(r mapreduce.Running, now time.Time) string {
	words := taskWords(r.Task) + " of " + word(r.Task.UID)
	if took := now.Sub(r.Since); !r.Since.IsZero() && took >= time.Second {
		words += ", " + span(took)
	}
	if r.Status != "" {
		words += ": " + r.Status
	}
	return line(words, mostLine)
}

func poolName(p mapreduce.Pool) string {
	return line(string(cmp.Or(p, mapreduce.DefaultPool)), mostName)
}

// queueRow is how the tasks of a pool and class wait, and how busy those are who could do them.
type queueRow struct {
	Pool, Class string
	Waiting     string
	Oldest      string
}

const mostQueues = 100

// queueWaits and vacancyWaits put first what has waited longest.
func queueWaits(a, b mapreduce.QueueVitals) int {
	return cmp.Or(cmp.Compare(b.Oldest, a.Oldest), cmp.Compare(b.Waiting, a.Waiting))
}

func vacancyWaits(a, b mapreduce.VacancyVitals) int { return cmp.Compare(b.Oldest, a.Oldest) }

// longest is the first that there is room for. So many are left out.
func longest[T any](all []T, order func(a, b T) int) (shown []T, hidden int) {
	shown = slices.SortedStableFunc(slices.Values(all), order)
	hidden = max(0, len(all)-mostQueues)
	return shown[:len(all)-hidden], hidden
}

func loadOf(v mapreduce.Vitals, known bool) loadView {
	shown, hidden := longest(v.Queues, queueWaits)
	l := loadView{Known: known, Queues: queues(shown), Hidden: hidden, Phases: phaseCounts(v)}
	vacant, fewer := longest(v.Vacant, vacancyWaits)
	for _, q := range vacant {
		l.Vacant = append(l.Vacant, vacantRow{poolName(q.Pool), line(string(q.Class), mostName), grouped(q.Jobs), span(q.Oldest)})
	}
	l.Fewer = fewer
	return l
}

// vacantRow is the jobs of a pool and class that nobody works on.
type vacantRow struct {
	Pool, Class string
	Jobs        string
	Oldest      string
}

func queues(shown []mapreduce.QueueVitals) []queueRow {
	rows := make([]queueRow, 0, len(shown))
	for _, q := range shown {
		rows = append(rows, queueRow{poolName(q.Pool), line(string(q.Class), mostName), grouped(q.Waiting), queueAge(q)})
	}
	slices.SortStableFunc(rows, func(a, b queueRow) int { return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Class, b.Class)) })
	return rows
}

func queueAge(q mapreduce.QueueVitals) string {
	if q.Waiting == 0 {
		return "–"
	}
	return span(q.Oldest)
}

// countRow is what became of the tasks of one phase, of all jobs.
type countRow struct {
	Phase                                                           string
	Queued, Running, Committed, Failed, Lost, Speculative, Repeated string
	Took                                                            string // of a committed attempt, on average
}

func phaseCounts(v mapreduce.Vitals) []countRow {
	var rows []countRow
	for _, p := range v.Tasks[:min(len(v.Tasks), 4)] {
		row := countRow{
			Phase: line(string(p.Phase), mostName), Queued: strconv.Itoa(p.Queued), Running: strconv.Itoa(p.Running),
			Committed: grouped(p.Committed), Failed: grouped(p.Failed), Lost: grouped(p.Lost), Speculative: grouped(p.Speculative),
			Repeated: grouped(p.Repeated), Took: "–",
		}
		if p.Committed > 0 {
			row.Took = span(p.Took / time.Duration(p.Committed))
		}
		rows = append(rows, row)
	}
	return rows
}
