package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/mapreduce"
)

// picky is a program that cannot take lines with a !, panics at ?, and has emitted something of them by then.
func picky() mapreduce.Program {
	return program("picky", func(_ context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
		for _, line := range batch.Lines() {
			out.Emit(line, []byte("1"))
			switch {
			case bytes.Contains(line, []byte("!")):
				return errors.New("no taste for it")
			case bytes.Contains(line, []byte("?")):
				panic("at the question")
			}
		}
		return nil
	})
}

// carefully runs a map of these lines with care.
func carefully(t *testing.T, s *surroundings, text string, allowed int) mapreduce.Task {
	t.Helper()
	task := whole(t, s, "picky", text)
	task.Careful, task.SkipBad = true, allowed
	s.worker(t, picky()).attempt(t.Context(), delivery(task))
	return task
}

func TestCarefulAttemptLeavesOutWhatItMay(t *testing.T) {
	s := newSurroundings()
	task := carefully(t, s, "a\nb!\nc\nd?\ne", 2)
	var left []string
	for _, bad := range s.commits[task.ID].Bad {
		words, _, _ := strings.Cut(bad.Reason, "\n")
		left = append(left, fmt.Sprintf("%d %d %s", bad.Offset, bad.Length, words))
	}
	if diff := cmp.Diff([]string{"2 2 no taste for it", "7 2 program panicked: at the question"}, left); diff != "" {
		t.Errorf("left out:\n%s", diff)
	}
	if got := s.commits[task.ID].Counts.Records; got != 3 {
		t.Errorf("%d records: what a bad one has emitted counts", got)
	}
}

func TestCarefulAttemptNamesTheRecordThatItMayNotLeaveOut(t *testing.T) {
	for allowed, want := range map[int]string{
		0: "record at byte 2 (2 bytes): no taste for it",
		1: "record at byte 7 (2 bytes): program panicked: at the question",
	} {
		s := newSurroundings()
		carefully(t, s, "a\nb!\nc\nd?\ne", allowed)
		if len(s.failures) != 1 || s.failures[0].Permanent || !strings.Contains(s.failures[0].Reason, want) {
			t.Errorf("with %d allowed: %+v", allowed, s.failures)
		}
	}
}

// With care or without, what can be taken gives the same output.
func TestCareChangesNothing(t *testing.T) {
	for _, text := range []string{"x", "a b a\n\nb a", "\n\n\n", strings.Repeat("the quick brown fox\n", 5000)} {
		var digests [2]mapreduce.Digest
		for i, careful := range []bool{false, true} {
			s := newSurroundings()
			task := whole(t, s, "wordcount", text)
			task.Careful = careful
			s.worker(t).attempt(t.Context(), delivery(task))
			digests[i] = s.commits[task.ID].Digest
		}
		if digests[0] != digests[1] || digests[0] == 0 {
			t.Errorf("%.20q: digests %x", text, digests)
		}
	}
}

// A worker that stops in the middle of a record has learned nothing about it.
func TestCancelledRecordIsNotBad(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newSurroundings()
	stops := program("picky", func(ctx context.Context, _ mapreduce.Batch, _ mapreduce.Output) error {
		cancel()
		return ctx.Err()
	})
	task := whole(t, s, "picky", "a\nb")
	task.Careful, task.SkipBad = true, 2
	s.worker(t, stops).attempt(ctx, delivery(task))
	if _, committed := s.commits[task.ID]; committed || len(s.failures) > 0 {
		t.Errorf("commits %+v, failures %+v", s.commits, s.failures)
	}
}
