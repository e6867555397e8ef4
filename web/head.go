package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// headView is what all pages begin with: how the system is.
type headView struct {
	Known     bool
	Leader    string
	Epoch     mapreduce.Epoch
	Since     moment
	Workers   int
	Lost      string
	Slots     []slotView
	Waiting   int
	Oldest    string
	Active    int
	Bytes     [3]string // in, shuffled, out
	Takeovers []takeoverView
	Here      string // what this process does
}

// slotView is how busy the slots of a class are.
type slotView struct {
	Class       string
	Busy, Slots int
}

type takeoverView struct {
	Epoch  mapreduce.Epoch
	Leader string
	Since  moment
}

// head makes the parts that all pages begin with: what is wrong, and how the system is. The error is that of what the page is about.
func (s *Server) head(ctx context.Context, wrong error) []part {
	vitals, err := s.asks.Vitals(ctx)
	if wrong == nil {
		wrong = err
	}
	return []part{newPart("trouble", troubleOf(wrong)), newPart("head", s.headOf(vitals, err == nil))}
}

// troubleView is what is wrong; no words: nothing.
type troubleView struct{ What, Words string }

func troubleOf(wrong error) troubleView {
	switch {
	case wrong == nil:
		return troubleView{}
	case errors.Is(wrong, mapreduce.ErrUnknownJob): // the page is up to date: it is not there
		return troubleView{"Not found.", line(wrong.Error(), mostWords)}
	}
	return troubleView{"Not up to date.", line(wrong.Error(), mostWords)}
}

func (s *Server) headOf(v mapreduce.Vitals, known bool) headView {
	now := s.config.Now()
	words, _ := s.config.Standing().Ready()
	h := headView{
		Known: known, Leader: line(v.Leader, mostName), Epoch: v.Epoch, Since: momentOf(v.Since, now), Workers: v.Workers,
		Slots: slotsOf(v.Slots, v.Busy, mostClasses), Active: activeJobs(v.Jobs), Here: line(words, mostLine),
		Bytes: [3]string{bytesOf(v.Bytes.In), bytesOf(v.Bytes.Shuffled), bytesOf(v.Bytes.Out)},
	}
	if v.Lost > 0 {
		h.Lost = grouped(v.Lost)
	}
	var oldest time.Duration
	for _, q := range v.Queues {
		h.Waiting += q.Waiting
		oldest = max(oldest, q.Oldest)
	}
	if oldest >= time.Second {
		h.Oldest = span(oldest)
	}
	for _, t := range s.asks.takeovers() {
		h.Takeovers = append(h.Takeovers, takeoverView{t.Epoch, line(t.Leader, mostName), momentOf(t.Since, now)})
	}
	return h
}

func activeJobs(jobs map[mapreduce.State]int) (n int) {
	for state, count := range jobs {
		if !state.Final() {
			n += count
		}
	}
	return n
}

// mostClasses is how many classes the head has room for; the page of the workers has more.
const mostClasses = 4

// slotsOf is how busy the slots are, by class: those that have some, so many at most.
func slotsOf(slots, busy map[mapreduce.Class]int, most int) []slotView {
	var shown []slotView
	for _, class := range slices.Sorted(maps.Keys(slots)) {
		if slots[class] > 0 && len(shown) < most {
			shown = append(shown, slotView{line(string(class), mostName), busy[class], slots[class]})
		}
	}
	return shown
}

// slotWords is the slots of a worker in words.
func slotWords(slots map[mapreduce.Class]int) string {
	var words []string
	for _, s := range slotsOf(slots, nil, 4*mostClasses) {
		words = append(words, fmt.Sprintf("%s %d", s.Class, s.Slots))
	}
	return strings.Join(words, ", ")
}
