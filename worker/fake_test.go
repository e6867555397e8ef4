package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// surroundings are all ports of a worker, in memory. They note what was asked of them, in order.
type surroundings struct {
	deliveries chan mapreduce.Delivery
	beats      chan mapreduce.Beat // nil: nobody listens
	extended   chan extension      // nil: nobody listens

	mu       sync.Mutex
	calls    []string
	answer   func() // to the roll
	commits  map[mapreduce.TaskID]mapreduce.Commit
	end      *mapreduce.End
	failures []mapreduce.Failure
	lanes    map[mapreduce.Lane][][]byte
	chunks   map[mapreduce.PlanRef]mapreduce.PlanChunk

	clock      time.Time // the bus's, when it is not this machine's
	unanswered error     // of the next commit or decision: it stands, and its answer is lost
	unrecorded error     // of every failure
}

type extension struct {
	receipt string
	at      time.Time
}

func newSurroundings() *surroundings {
	return &surroundings{
		deliveries: make(chan mapreduce.Delivery, 100),
		commits:    map[mapreduce.TaskID]mapreduce.Commit{},
		lanes:      map[mapreduce.Lane][][]byte{},
		chunks:     map[mapreduce.PlanRef]mapreduce.PlanChunk{},
	}
}

// worker makes a worker in these surroundings, with more programs than the built-in ones.
func (s *surroundings) worker(t *testing.T, more ...mapreduce.Program) *Worker {
	t.Helper()
	set, err := programs.NewSet(append(programs.Builtin(), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{
		ID: "w", Class: "test", Slots: 1, Memory: 8 << 20, Scratch: t.TempDir(), Program: set.Find,
		Queue: s, Commits: s, Runs: s, Plans: s, Pulse: s, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
}

// note notes a call; s.mu is held.
func (s *surroundings) note(format string, args ...any) {
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
}

func (s *surroundings) Pull(ctx context.Context, _ ...mapreduce.Class) (mapreduce.Delivery, error) {
	select {
	case d := <-s.deliveries:
		return d, nil
	case <-ctx.Done():
		return mapreduce.Delivery{}, ctx.Err()
	}
}

func (s *surroundings) Extend(_ context.Context, receipt string) error {
	if s.extended != nil {
		s.extended <- extension{receipt, time.Now()}
	}
	return nil
}

func (s *surroundings) Settle(ctx context.Context, receipt string, how mapreduce.Settlement) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.note("%s %s", map[mapreduce.Settlement]string{
		mapreduce.Complete: "complete", mapreduce.HandBack: "hand back", mapreduce.Later: "hand back later", mapreduce.Discard: "discard",
	}[how], receipt)
	return nil
}

// Clock is this machine's unless a test says otherwise.
func (s *surroundings) Clock(context.Context) (time.Time, error) {
	if !s.clock.IsZero() {
		return s.clock, nil
	}
	return time.Now(), nil
}

func (s *surroundings) Commit(_ context.Context, commit mapreduce.Commit) (mapreduce.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("commit %s", commit.Task)
	if _, known := s.commits[commit.Task]; !known {
		s.commits[commit.Task] = commit
	}
	err := s.unanswered
	s.unanswered = nil
	if err != nil {
		return mapreduce.Commit{}, err
	}
	return s.commits[commit.Task], nil
}

func (s *surroundings) Stands(_ context.Context, task mapreduce.TaskID) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, stands := s.commits[task]
	return stands, nil
}

func (s *surroundings) Decide(_ context.Context, end mapreduce.End) (mapreduce.End, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("decide %s", end.UID)
	if s.end == nil {
		s.end = &end
	}
	err := s.unanswered
	s.unanswered = nil
	if err != nil {
		return mapreduce.End{}, err
	}
	return *s.end, nil
}

func (s *surroundings) Fail(_ context.Context, failure mapreduce.Failure) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("fail %s", failure.Task)
	s.failures = append(s.failures, failure)
	return s.unrecorded
}

func (s *surroundings) Publisher(context.Context) (push func(mapreduce.Lane, []byte) error, flush func() error) {
	push = func(lane mapreduce.Lane, chunk []byte) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.note("push to %s %d", lane.Reader, lane.Partition)
		s.lanes[lane] = append(s.lanes[lane], chunk)
		return nil
	}
	return push, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.note("flush")
		return nil
	}
}

func (s *surroundings) Fetch(_ context.Context, lane mapreduce.Lane, yield func(chunk []byte) error) error {
	s.mu.Lock()
	chunks := s.lanes[lane]
	s.mu.Unlock()
	for _, chunk := range chunks {
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (s *surroundings) Store(_ context.Context, ref mapreduce.PlanRef, chunk mapreduce.PlanChunk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("store chunk %d", ref.Chunk)
	s.chunks[ref] = chunk
	return nil
}

func (s *surroundings) Load(_ context.Context, ref mapreduce.PlanRef) (mapreduce.PlanChunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("load chunk %d", ref.Chunk)
	chunk, known := s.chunks[ref]
	if !known {
		return chunk, errors.New("no such chunk")
	}
	return chunk, nil
}

func (s *surroundings) Roster(context.Context, mapreduce.RosterRef) ([]byte, error) {
	return nil, errors.New("no roster is stored")
}

func (s *surroundings) Beat(beat mapreduce.Beat) error {
	if beat.Bye {
		s.mu.Lock()
		s.note("good-bye")
		s.mu.Unlock()
	}
	if s.beats != nil {
		s.beats <- beat
	}
	return nil
}

func (s *surroundings) OnOver(func(mapreduce.Over)) (stop func(), err error) { return func() {}, nil }

func (s *surroundings) OnRoll(answer func()) (stop func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
	return func() {}, nil
}

// attempt runs a delivery and settles it, as a slot does.
func (w *Worker) attempt(ctx context.Context, delivery mapreduce.Delivery) (mine bool) {
	mine, settle := w.perform(ctx, w.receive(ctx, delivery))
	settle()
	return mine
}
