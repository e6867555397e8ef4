package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// notableView is the attempts that did not go as most did.
type notableView struct {
	Rows []notableRow
	More int
}

// notableRow is such an attempt.
type notableRow struct {
	Row     string // the id of the element
	Task    string
	Attempt string
	Outcome string
	Sign    string
	Marks   string // straggler, speculative
	Began   moment
	Took    string
	Reason  string // in one line
	Words   string // all of it, when that is more
}

const mostNotable = 100

// notable is the failed ones first, then the lost, then stragglers and their copies; each by its beginning.
func notable(t mapreduce.Timeline, now time.Time) notableView {
	var those []mapreduce.AttemptTime
	for _, a := range t.Attempts {
		if severity(a) > 0 {
			those = append(those, a)
		}
	}
	slices.SortStableFunc(those, func(a, b mapreduce.AttemptTime) int { return cmp.Compare(severity(a), severity(b)) })
	v := notableView{More: max(0, len(those)-mostNotable)}
	for _, a := range those[:min(len(those), mostNotable)] {
		v.Rows = append(v.Rows, noted(a, endOf(t, now), now))
	}
	return v
}

// severity is 0 of an attempt that went as most did.
func severity(a mapreduce.AttemptTime) int {
	switch {
	case a.Outcome == mapreduce.OutcomeFailed:
		return 1
	case a.Outcome == mapreduce.OutcomeLost:
		return 2
	case a.Straggler:
		return 3
	case a.Speculative:
		return 4
	}
	return 0
}

func noted(a mapreduce.AttemptTime, end, now time.Time) notableRow {
	row := notableRow{
		Row: "note-" + token(a.Attempt.String()), Task: line(taskWords(a.Task), mostName), Attempt: line(a.Attempt.String(), mostName),
		Outcome: word(a.Outcome), Sign: sign(a), Marks: marks(a), Began: momentOf(a.Began, now), Took: span(tookOf(a, end)),
	}
	words := strings.TrimSpace(clean(a.Reason, mostWords))
	first, _, _ := strings.Cut(words, "\n")
	if row.Reason = line(first, mostLine); row.Reason != words {
		row.Words = words
	}
	return row
}

// tookOf is how long an attempt took; of one that runs, so far.
func tookOf(a mapreduce.AttemptTime, end time.Time) time.Duration {
	if !a.Ended.IsZero() {
		return a.Ended.Sub(a.Began)
	}
	return end.Sub(a.Began).Truncate(time.Second)
}

func marks(a mapreduce.AttemptTime) string {
	var words []string
	if a.Straggler {
		words = append(words, "straggler")
	}
	if a.Speculative {
		words = append(words, "speculative")
	}
	return strings.Join(words, ", ")
}

// sign is how an attempt is marked where there is no room for words; "" of one that went as most did.
func sign(a mapreduce.AttemptTime) string {
	switch {
	case a.Outcome == mapreduce.OutcomeFailed:
		return "✕"
	case a.Outcome == mapreduce.OutcomeLost:
		return "?"
	case a.Straggler:
		return "!"
	case a.Speculative:
		return "2"
	}
	return ""
}
