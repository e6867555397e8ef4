package web

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// jobsView is the list of jobs.
type jobsView struct {
	Filters []filterView
	State   string // the filter, in words
	Older   string // link to earlier ones; "": there are none
	Newest  string // link to the latest ones; "": these are they
	Empty   string // why there are none, in words
	Known   bool
}

// filterView is a state that the list can be reduced to.
type filterView struct {
	Name    string
	Link    string
	Count   string
	Current bool
}

// barView is how far a phase is.
type barView struct {
	Done, Total int
	Words       string
}

// jobRow is a job in the list.
type jobRow struct {
	Row     string // the id of the element
	ID      string
	Link    string
	State   string
	Maps    barView
	Reduces barView
	Program string
	Rows    string
	Began   moment
	Took    string
	Note    string // what is wrong, or what it waits for
	Bad     bool
}

// pageJobs is how many jobs a page has.
const pageJobs = 100

// jobsFrame is the page of the jobs.
func (s *Server) jobsFrame(ctx context.Context, l look) frame {
	list, err := s.asks.List(ctx, l.before)
	f := frame{Title: "Jobs", Parts: s.head(ctx, err)}
	if err != nil {
		f.Status = statusOf(err)
		return f
	}
	vitals, err := s.asks.Vitals(ctx)
	jobs := inState(list.Jobs, l.state)
	rest := len(jobs) > pageJobs
	jobs = jobs[:min(len(jobs), pageJobs)]
	v := jobsView{Filters: filters(l, vitals.Jobs, err == nil), State: l.state, Older: older(l, list, jobs, rest), Known: true}
	if l.before != "" {
		v.Newest = look{path: "/", state: l.state}.link()
	}
	if len(jobs) == 0 {
		v.Empty = noJobs(l)
	}
	rows := make([]part, 0, len(jobs))
	for _, j := range jobs {
		row := s.jobRow(j)
		rows = append(rows, part{ID: row.Row, HTML: render("row-job", row)})
	}
	f.Parts = append(f.Parts, newRows("jobs", v, rows))
	return f
}

func noJobs(l look) string {
	switch {
	case l.state != "":
		return "No job here is " + l.state + "."
	case l.before != "":
		return "There are no earlier jobs."
	}
	return "No jobs yet. Submit one: jetreduce run --server URL wordcount book.txt"
}

// inState is the jobs in a state, or in one of those that "active" stands for.
func inState(jobs []mapreduce.Status, state string) []mapreduce.Status {
	if state == "" {
		return jobs
	}
	return slices.DeleteFunc(slices.Clone(jobs), func(j mapreduce.Status) bool {
		return string(j.State) != state && (state != active || j.State.Final())
	})
}

// link is the page that is looked at.
func (l look) link() string { return l.path + l.query() }

// older is the link to what does not stand here any more: behind the last one that is shown, or behind all that were asked for.
func older(l look, list mapreduce.JobList, shown []mapreduce.Status, rest bool) string {
	next := look{path: "/", state: l.state}
	switch {
	case rest:
		next.before = shown[len(shown)-1].ID
	case list.More > 0 && len(list.Jobs) > 0:
		next.before = list.Jobs[len(list.Jobs)-1].ID
	default:
		return ""
	}
	return next.link()
}

// filters are the states that one may choose from: the usual ones, and those that jobs are in.
func filters(l look, counts map[mapreduce.State]int, known bool) []filterView {
	all := 0
	for _, n := range counts {
		all += n
	}
	choice := func(name, state string, n int) filterView {
		f := filterView{Name: name, Link: look{path: "/", state: state}.link(), Current: l.state == state}
		if known {
			f.Count = grouped(n)
		}
		return f
	}
	shown := []filterView{choice("all", "", all), choice(active, active, activeJobs(counts))}
	for _, state := range mapreduce.UserStates() {
		usual := state == mapreduce.Done || state == mapreduce.Failed || state == mapreduce.Cancelled
		if usual || counts[state] > 0 || l.state == string(state) {
			shown = append(shown, choice(string(state), string(state), counts[state]))
		}
	}
	return shown
}

func (s *Server) jobRow(j mapreduce.Status) jobRow {
	now := s.config.Now()
	row := jobRow{
		Row: "job-" + token(string(j.ID)), ID: line(string(j.ID), mostName), Link: jobLink(j.ID), State: word(j.State),
		Maps: bar(j.Maps), Reduces: bar(j.Reduces), Program: line(j.Program, mostName), Began: momentOf(j.Since, now),
		Took: took(j, now),
	}
	if j.Rows > 0 || j.State == mapreduce.Done {
		row.Rows = grouped(j.Rows)
	}
	switch {
	case j.Error != "":
		row.Note, row.Bad = line(j.Error, mostLine), j.State == mapreduce.Failed
	case j.Waiting != "":
		row.Note, row.Bad = line(j.Waiting, mostLine), j.Idle
	}
	return row
}

// jobLink is the page of a job; "" of what is no id.
func jobLink(id mapreduce.JobID) string {
	if !id.Valid() {
		return ""
	}
	return "/jobs/" + url.PathEscape(string(id))
}

// token is text that may be the id of an element.
func token(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z' && r < 128 {
			return r
		}
		return '.'
	}, text[:min(len(text), 64)])
}

func bar(p mapreduce.Progress) barView {
	if p.Total <= 0 {
		return barView{Words: "–"}
	}
	return barView{Done: p.Done, Total: p.Total, Words: grouped(p.Done) + "/" + grouped(p.Total)}
}

// took is how long a job took, or has taken so far.
func took(j mapreduce.Status, now time.Time) string {
	switch {
	case j.Since.IsZero():
		return ""
	case !j.Ended.IsZero():
		return span(j.Ended.Sub(j.Since))
	case j.State.Final():
		return ""
	}
	return span(now.Sub(j.Since).Truncate(time.Second))
}
