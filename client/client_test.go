package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jetreduce/client"
	"jetreduce/mapreduce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a desk at which a script is played when a job has been submitted.
type desk struct {
	play  func(d *desk)
	known *mapreduce.Status                 // the answer to questions
	taken *mapreduce.Status                 // the answer to the submission; nil: it is stored
	asked func() (*mapreduce.Status, error) // instead of known; may be nil

	mu     sync.Mutex
	tell   func(mapreduce.Status)
	reject func(uint64, string)
	heard  bool // somebody listened before the job was submitted
}

func (d *desk) Listen(_ mapreduce.JobID, tell func(mapreduce.Status), reject func(uint64, string)) (func(), error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell, d.reject = tell, reject
	return func() {}, nil
}

func (d *desk) Submit(context.Context, mapreduce.Job) (*mapreduce.Status, uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard = d.tell != nil
	d.play(d)
	if d.taken != nil {
		return d.taken, 0, nil
	}
	return nil, 7, nil
}

func (d *desk) Ask(context.Context, mapreduce.JobID) (*mapreduce.Status, error) {
	if d.asked != nil {
		return d.asked()
	}
	if d.known == nil {
		return nil, errors.New("nobody answers")
	}
	return d.known, nil
}

var job = mapreduce.Job{ID: "j", Program: "p", Inputs: []string{"/x"}}

func status(state mapreduce.State) mapreduce.Status {
	return mapreduce.Status{ID: "j", Spec: job.Digest(), State: state}
}

func run(t *testing.T, d *desk) (mapreduce.Status, []mapreduce.State, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var seen []mapreduce.State
	final, err := client.Run(ctx, d, job, client.View{Seen: func(s mapreduce.Status) { seen = append(seen, s.State) }})
	return final, seen, err
}

func TestEndThatIsToldIsReturned(t *testing.T) {
	d := &desk{play: func(d *desk) { d.tell(status(mapreduce.Mapping)); d.tell(status(mapreduce.Done)) }}
	final, seen, err := run(t, d)
	if err != nil || final.State != mapreduce.Done || seen[len(seen)-1] != mapreduce.Done {
		t.Errorf("%s after %v: %v", final.State, seen, err)
	}
	if !d.heard {
		t.Error("the job was submitted before anybody listened: its end can be missed")
	}
}

func TestEndThatWasMissedIsAskedFor(t *testing.T) {
	failed := status(mapreduce.Failed)
	final, _, err := run(t, &desk{play: func(*desk) {}, known: &failed})
	if err != nil || final.State != mapreduce.Failed {
		t.Errorf("%s: %v", final.State, err)
	}
}

func TestEndOfAnotherJobWithThisIDIsNotOurs(t *testing.T) {
	other := status(mapreduce.Done)
	other.Spec = "another"
	var rejected client.Rejected
	if _, _, err := run(t, &desk{play: func(d *desk) { d.tell(other) }}); !errors.As(err, &rejected) {
		t.Errorf("told of another job's end: %v", err)
	}
	if _, _, err := run(t, &desk{play: func(*desk) {}, known: &other}); !errors.As(err, &rejected) {
		t.Errorf("asked, and answered with another job's end: %v", err)
	}
}

func TestOnlyOurOwnRejectionCounts(t *testing.T) {
	d := &desk{play: func(d *desk) {
		d.reject(6, "somebody else's")
		d.reject(7, "ours")
	}}
	var rejected client.Rejected
	if _, _, err := run(t, d); !errors.As(err, &rejected) || rejected.Reason != "ours" {
		t.Errorf("got %v", err)
	}
}

func TestClientThatIsStoppedSaysWhy(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	enough := errors.New("enough")
	_, err := client.Run(ctx, &desk{play: func(*desk) { cancel(enough) }}, job, client.View{})
	if !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}

func TestJobThatCannotBeIsNotSubmitted(t *testing.T) {
	d := &desk{play: func(*desk) { t.Error("it was submitted") }}
	if _, err := client.Run(context.Background(), d, mapreduce.Job{ID: "j"}, client.View{}); err == nil {
		t.Error("no error")
	}
}

func TestNewIDIsAlwaysValid(t *testing.T) {
	for _, program := range []string{"wordcount", "my.prog", "", string(make([]byte, 100))} {
		if id := client.NewID(program); !id.Valid() {
			t.Errorf("%q for program %q", id, program)
		}
	}
}
