package web

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// jobView is one job, in words.
type jobView struct {
	ID, UID  string
	Raw      mapreduce.JobID // valid
	State    string
	Program  string
	Pool     string
	Priority int
	Maps     barView
	Reduces  barView
	Input    string
	Output   string
	Command  string // that fetches the result; "": it is not on the bus, or there is none yet
	Records  string
	Groups   string
	Rows     string
	LeftOut  string // records
	Attempts mapreduce.AttemptCounts
	Began    moment
	Ended    moment
	Took     string
	Waiting  string
	Idle     bool
	Error    string // as it is, with the program's output
	Earlier  bool
	May      bool // cancel, retry, remove
	Final    bool
	Again    bool // it may be retried
}

// jobFrame is the page of one job.
func (s *Server) jobFrame(ctx context.Context, l look) frame {
	t, err := s.asks.Timeline(ctx, l.job)
	f := frame{Title: "Job " + string(l.job), Parts: s.head(ctx, err)}
	if err != nil {
		f.Status = statusOf(err)
		return f
	}
	now := s.config.Now()
	f.Parts = append(f.Parts, newPart("job", s.jobOf(l, t)), newPart("times", phaseTimes(t, now)), drawing(t, now),
		newPart("notable", notable(t, now)), newPart("skew", skew(t.Partitions)), newPart("shares", shares(t.Workers)),
		newPart("counters", counters(t.Job.Counters)))
	return f
}

func (s *Server) jobOf(l look, t mapreduce.Timeline) jobView {
	j, now := t.Job, s.config.Now()
	v := jobView{
		ID: line(string(j.ID), mostName), UID: line(string(j.UID), mostName), Raw: l.job, State: word(j.State),
		Program: line(j.Program, mostName), Pool: poolName(j.Pool), Priority: j.Priority, Maps: bar(j.Maps), Reduces: bar(j.Reduces),
		Input: inputWords(j), Records: grouped(j.Records), Groups: grouped(j.Groups), Rows: grouped(j.Rows), Attempts: j.Attempts,
		Began: momentOf(j.Since, now), Ended: momentOf(j.Ended, now), Took: took(j, now), Waiting: line(j.Waiting, mostLine), Idle: j.Idle,
		Error: clean(j.Error, mostWords), Earlier: t.Earlier, May: l.may, Final: j.State.Final(),
		Again: j.State == mapreduce.Failed || j.State == mapreduce.Cancelled,
	}
	if j.Quarantined > 0 {
		v.LeftOut = grouped(j.Quarantined)
	}
	v.Output, v.Command = outputWords(j, l.job)
	return v
}

func inputWords(j mapreduce.Status) string {
	if j.Bytes.Total == 0 {
		return "–"
	}
	words := bytesOf(j.Bytes.Total)
	if j.Bytes.Done < j.Bytes.Total {
		words = bytesOf(j.Bytes.Done) + " of " + words
	}
	if j.Inputs > 1 {
		words += " in " + grouped(j.Inputs) + " files"
	}
	return words
}

// outputWords says where the result is, or will be, and how to fetch it.
func outputWords(j mapreduce.Status, id mapreduce.JobID) (where, command string) {
	if j.State.Final() && j.State != mapreduce.Done {
		return "none", ""
	}
	if where = line(j.Output.To, mostLine); where == "" {
		where = "on the bus"
	}
	if j.Output.OnBus() && j.State == mapreduce.Done {
		command = "jetreduce output " + string(id)
	}
	return where, command
}

// timesRow is how the tasks of one phase went.
type timesRow struct {
	Phase                      string
	Bar                        barView
	Running                    string
	Failed, Lost, Speculative  string
	Bad                        bool // some have failed or were lost
	Took                       string
	Min, Median, P90, P99, Max string
	Slowest                    string
}

func phaseTimes(t mapreduce.Timeline, now time.Time) []timesRow {
	var rows []timesRow
	for _, p := range t.Phases[:min(len(t.Phases), 4)] {
		row := timesRow{
			Phase: word(p.Phase), Bar: bar(mapreduce.Progress{Total: p.Tasks, Done: p.Done}), Running: grouped(p.Running),
			Failed: grouped(p.Failed), Lost: grouped(p.Lost), Speculative: grouped(p.Speculative), Bad: p.Failed+p.Lost > 0, Took: "–",
		}
		if !p.Began.IsZero() {
			end := p.Ended
			if end.IsZero() {
				end = endOf(t, now).Truncate(time.Second)
			}
			row.Took = span(end.Sub(p.Began))
		}
		if p.Took != (mapreduce.Quantiles{}) {
			row.Min, row.Median, row.P90 = span(p.Took.Min), span(p.Took.Median), span(p.Took.P90)
			row.P99, row.Max = span(p.Took.P99), span(p.Took.Max)
		}
		if p.Slowest != nil {
			row.Slowest = line(taskWords(p.Slowest.Task)+" on "+string(p.Slowest.Attempt.Worker), mostName)
		}
		rows = append(rows, row)
	}
	return rows
}

// endOf is when a job ended, or now.
func endOf(t mapreduce.Timeline, now time.Time) time.Time {
	if !t.Job.Ended.IsZero() {
		return t.Job.Ended
	}
	return now
}

// skewView is how even the keys are spread over the partitions.
type skewView struct {
	Rows []skewRow
	More int
	Even string // the largest, compared with the median
}

type skewRow struct {
	Partition             int
	Records, Groups, Rows string
	Part                  int64 // of the largest, in thousands
}

const mostPartitions = 24

func skew(sizes []mapreduce.PartitionSize) skewView {
	v := skewView{}
	if len(sizes) == 0 {
		return v
	}
	most := max(sizes[0].Records, 1)
	for _, p := range sizes[:min(len(sizes), mostPartitions)] {
		v.Rows = append(v.Rows, skewRow{p.Partition, grouped(p.Records), grouped(p.Groups), grouped(p.Rows), thousandths(p.Records, most)})
	}
	v.More = len(sizes) - len(v.Rows)
	if median := sizes[len(sizes)/2].Records; len(sizes) > 1 && median > 0 {
		v.Even = times(most, median)
	}
	return v
}

func thousandths(n, of int64) int64 { return max(0, min(1000, int64(float64(n)/float64(of)*1000))) }

// shareRow is what one worker has done for the job.
type shareRow struct {
	Worker, Host string
	Committed    string
	Took         string
	Part         int64 // of what the busiest has done, in thousands
}

func shares(workers []mapreduce.WorkerShare) []shareRow {
	var most time.Duration
	for _, w := range workers {
		most = max(most, w.Took)
	}
	var rows []shareRow
	for _, w := range workers[:min(len(workers), mapreduce.MaxTimelineShares)] {
		rows = append(rows, shareRow{
			line(string(w.Worker), mostName), line(w.Host, mostName), grouped(w.Committed), span(w.Took),
			thousandths(int64(w.Took), max(int64(most), 1)),
		})
	}
	return rows
}

// counterRow is one of a job's counters.
type counterRow struct{ Group, Name, Sum string }

const mostCounters = 200

func counters(all mapreduce.Counters) []counterRow {
	var rows []counterRow
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(rows) == mostCounters {
			break
		}
		group, rest, _ := strings.Cut(name, ",")
		rows = append(rows, counterRow{line(group, mostName), line(rest, mostName), grouped(all[name])})
	}
	return rows
}
