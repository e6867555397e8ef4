package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jetreduce/client"
	"jetreduce/mapreduce"
)

// of is where a submission of the job stands, as the leader of an epoch says.
func of(uid mapreduce.UID, epoch mapreduce.Epoch, state mapreduce.State) *mapreduce.Status {
	s := status(state)
	s.UID, s.Epoch = uid, epoch
	return &s
}

// answers gives one answer after the other, and the last for ever.
func answers(all ...*mapreduce.Status) func() (*mapreduce.Status, error) {
	next := 0
	return func() (*mapreduce.Status, error) {
		answer := all[min(next, len(all)-1)]
		next++
		return answer, nil
	}
}

// inBubble runs a test by a clock of its own: a client asks each second.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func TestRemovedJobEndsTheWait(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _, err := run(t, &desk{play: func(*desk) {}, taken: of("u1", 1, mapreduce.Queued), asked: answers(nil)})
		if !errors.Is(err, mapreduce.ErrUnknownJob) || !strings.Contains(err.Error(), "job j was removed") {
			t.Errorf("run: %v", err)
		}
		_, err = client.Watch(ctx, &desk{asked: answers(of("u1", 1, mapreduce.Mapping), nil)}, "j", client.View{})
		if !errors.Is(err, mapreduce.ErrUnknownJob) || !strings.Contains(err.Error(), "job j was removed") {
			t.Errorf("watch: %v", err)
		}
	})
}

func TestJobThatIsUnknownToANewLeaderEndsTheWatch(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		questions := 0
		d := &desk{asked: func() (*mapreduce.Status, error) {
			if questions++; questions == 1 {
				return nil, mapreduce.ErrNoLeader
			}
			return nil, nil
		}}
		if _, err := client.Watch(ctx, d, "j", client.View{}); !errors.Is(err, mapreduce.ErrUnknownJob) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOneLeaderThatDoesNotKnowTheJobEndsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := &desk{play: func(*desk) {}, taken: of("u1", 2, mapreduce.Queued), asked: answers(nil, of("u1", 2, mapreduce.Mapping), nil, of("u1", 2, mapreduce.Done))}
		if final, _, err := run(t, d); err != nil || final.State != mapreduce.Done {
			t.Errorf("%s: %v", final.State, err)
		}
	})
}

func TestStoredJobIsWaitedForUntilItIsTakenUp(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := &desk{play: func(*desk) {}, asked: answers(nil, nil, nil, nil, of("u1", 1, mapreduce.Done))}
		if final, _, err := run(t, d); err != nil || final.State != mapreduce.Done {
			t.Errorf("%s: %v", final.State, err)
		}
	})
}

// A job of the same description had the id before, ended and was removed; its end is told late.
func TestEndOfAnEarlierSubmissionIsNotOurs(t *testing.T) {
	for name, taken := range map[string]*mapreduce.Status{"asked for": of("new", 1, mapreduce.Queued), "stored": nil} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				d := &desk{taken: taken, known: of("new", 1, mapreduce.Done)}
				d.play = func(d *desk) { d.tell(*of("old", 1, mapreduce.Failed)) }
				if final, _, err := run(t, d); err != nil || final.UID != "new" || final.State != mapreduce.Done {
					t.Errorf("%s %s: %v", final.UID, final.State, err)
				}
			})
		})
	}
}

func TestRetryIsFollowedAndAStaleLeaderIsNot(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		d := &desk{asked: answers(of("first", 2, mapreduce.Mapping), of("before", 1, mapreduce.Failed), of("retry", 2, mapreduce.Done))}
		if final, err := client.Watch(ctx, d, "j", client.View{}); err != nil || final.UID != "retry" {
			t.Errorf("%s %s: %v", final.UID, final.State, err)
		}
	})
}

func TestJobWhoseIDAnotherHasNowWasRemoved(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		other := of("u2", 1, mapreduce.Done)
		other.Spec = "another"
		_, _, err := run(t, &desk{play: func(*desk) {}, taken: of("u1", 1, mapreduce.Queued), known: other})
		if !errors.Is(err, mapreduce.ErrUnknownJob) {
			t.Errorf("got %v", err)
		}
	})
}

// A small job has ended long before the next question is due.
func TestStoredJobThatIsToldOfIsAskedForAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		began := time.Now()
		final, _, err := run(t, &desk{
			play: func(d *desk) { d.tell(*of("u1", 1, mapreduce.Done)) }, asked: answers(of("u1", 1, mapreduce.Done)),
		})
		if err != nil || final.State != mapreduce.Done || time.Since(began) != 0 {
			t.Errorf("%s after %s: %v", final.State, time.Since(began), err)
		}
	})
}

// While leaders change, a question may be left without an answer: a watch that begins then goes on.
func TestWatchBeginsWhileNobodyAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		questions := 0
		d := &desk{asked: func() (*mapreduce.Status, error) {
			if questions++; questions == 1 {
				return nil, errors.New("no coordinator has answered within 5s")
			}
			return of("u1", 1, mapreduce.Done), nil
		}}
		if final, err := client.Watch(ctx, d, "j", client.View{}); err != nil || final.State != mapreduce.Done {
			t.Errorf("%s: %v", final.State, err)
		}
	})
}
