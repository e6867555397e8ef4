package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// ports is all that a leader works with: it hands in the events of a script, writes down what it is asked to do, and
// refuses what it is told to refuse.
type ports struct {
	events []mapreduce.Event
	refuse map[string]error
	asked  []string
	seq    uint64
}

var errScriptEnds = errors.New("the script ends")

func (p *ports) Next(context.Context) (mapreduce.Event, error) {
	if len(p.events) == 0 {
		return nil, errScriptEnds
	}
	next := p.events[0]
	p.events = p.events[1:]
	return next, nil
}

func (p *ports) ask(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	p.asked = append(p.asked, call)
	return p.refuse[call]
}

func (p *ports) Write(_ context.Context, r mapreduce.Record) error {
	return p.ask("write %s %s", r.UID, r.State)
}

func (p *ports) Fail(_ context.Context, f mapreduce.Failure) error {
	return p.ask("fail %s", short(f.Task))
}

func (p *ports) End(_ context.Context, e mapreduce.End) error {
	return p.ask("end %s: %s", e.State, e.Reason)
}

func (p *ports) Publish(_ context.Context, tasks []mapreduce.Task) ([]uint64, error) {
	seqs := make([]uint64, len(tasks))
	for i := range seqs {
		p.seq++
		seqs[i] = p.seq
	}
	return seqs, p.ask("publish %d from %s", len(tasks), short(tasks[0].ID))
}

func (p *ports) Clock(context.Context) (time.Time, error) {
	return time.Unix(0, 0), p.ask("read the clock")
}

func (p *ports) HandOn(_ context.Context, receipt string) error { return p.ask("hand on %s", receipt) }

func (p *ports) Withdraw(_ context.Context, seqs []uint64) error { return p.ask("withdraw %v", seqs) }

func (p *ports) Make(_ context.Context, lanes []mapreduce.Lane) ([]mapreduce.Lane, error) {
	return nil, p.ask("make %d", len(lanes))
}

func (p *ports) MakeBucket(_ context.Context, _ mapreduce.UID, target mapreduce.Target) error {
	return p.ask("make bucket %s", target.To)
}

func (p *ports) Drop(_ context.Context, lanes []mapreduce.Lane) error {
	return p.ask("drop %d", len(lanes))
}

func (p *ports) StoreRoster(_ context.Context, id mapreduce.TaskID, _ [][]byte) error {
	return p.ask("store roster of %s", id.Phase)
}

func (p *ports) Accept(_ context.Context, seq uint64) error { return p.ask("accept %d", seq) }

func (p *ports) Reject(_ mapreduce.JobID, seq uint64, _ string) error {
	return p.ask("reject %d", seq)
}

func (p *ports) Tell(s mapreduce.Status) error { return p.ask("tell %s", s.State) }

func (p *ports) Answer(reply string, _ mapreduce.Answer) error { return p.ask("answer %s", reply) }

func (p *ports) Dismiss(over mapreduce.Over) error { return p.ask("dismiss %s", over.UID) }

func (p *ports) Lead(_ context.Context, epoch mapreduce.Epoch) error { return p.ask("lead %d", epoch) }

func (p *ports) Confirm(context.Context) error { return p.ask("confirm") }

func (p *ports) Forget(_ context.Context, uid mapreduce.UID, whole bool) error {
	return p.ask("forget %s, whole: %t", uid, whole)
}

func (p *ports) Erase(_ context.Context, uid mapreduce.UID) error { return p.ask("erase %s", uid) }

func (p *ports) Sweep(_ context.Context, ended map[mapreduce.UID]bool) error {
	return p.ask("sweep %d", len(ended))
}

func (p *ports) Open(_ context.Context, pool mapreduce.Pool, class mapreduce.Class) error {
	return p.ask("open %s", strings.TrimPrefix(string(pool)+"/"+string(class), "default/"))
}

func (p *ports) Shut(_ context.Context, pool mapreduce.Pool, class mapreduce.Class) error {
	return p.ask("shut %s/%s", pool, class)
}

func (p *ports) KeepTimeline(_ context.Context, t mapreduce.Timeline) error {
	return p.ask("keep the timeline of %s", t.Job.UID)
}

func (p *ports) DropTimeline(_ context.Context, uid mapreduce.UID) error {
	return p.ask("drop the timeline of %s", uid)
}

// uploads and links are ports of their own: their methods are called like the storage's.
type uploads struct{ *ports }

func (u uploads) Make(_ context.Context, upload string) error { return u.ask("make upload %s", upload) }

func (u uploads) Keep(_ context.Context, upload string) error { return u.ask("keep upload %s", upload) }

func (u uploads) Drop(_ context.Context, upload string) error { return u.ask("drop upload %s", upload) }

type links struct{ *ports }

func (l links) Last(context.Context, mapreduce.Target, mapreduce.JobID) (uint64, error) {
	return 41, l.ask("read the link's version")
}

func (l links) Link(_ context.Context, job mapreduce.JobID, uid mapreduce.UID, _ mapreduce.Target, expected uint64) error {
	return l.ask("link %s to %s after %d", job, uid, expected)
}

func (l links) Unlink(_ context.Context, job mapreduce.JobID, uid mapreduce.UID, _ mapreduce.Target) error {
	return l.ask("unlink %s from %s", job, uid)
}

// lead leads through a script, and returns what was asked of the ports and how the leadership ended.
func lead(refuse map[string]error, events ...mapreduce.Event) ([]string, error) {
	return leadFromTheBeginning(refuse, append([]mapreduce.Event{mapreduce.Replayed{}, beat("w1")}, events...)...)
}

// leadFromTheBeginning is lead with a script that has the records, too.
func leadFromTheBeginning(refuse map[string]error, events ...mapreduce.Event) ([]string, error) {
	p := &ports{events: events, refuse: refuse}
	replica := coordinator.NewReplica(coordinator.Config{}, coordinator.Surroundings{
		Feed: p, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(0, 0) },
		Means: func(mapreduce.Epoch) coordinator.Means {
			return coordinator.Means{
				Journal: p, Ledger: p, Queue: p, Classes: p, Storage: p, Rosters: p, Uploads: uploads{p}, Links: links{p}, Buckets: p, Archive: p,
				Inbox: p, Herald: p,
				NewUID: func() mapreduce.UID { return "u1" },
			}
		},
	})
	err := replica.Lead(context.Background(), 3)
	return p.asked, err
}

func TestLeadCarriesOutCommandsInOrder(t *testing.T) {
	asked, err := lead(nil, submitted(9, count()), planned(2), mapreduce.Asked{Job: "count", Reply: "r"})
	if !errors.Is(err, errScriptEnds) {
		t.Errorf("ended with %v", err)
	}
	want := []string{
		"lead 3", "write u1 queued", "write u1 planning", "tell planning", "publish 1 from plan.0", "accept 9",
		"write u1 mapping", "tell mapping", "make 3", "publish 2 from map.0", "answer r",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked of the ports (-wanted +got):\n%s", diff)
	}
}

// What must be true is answered behind a fenced write that came after the question: one of the same step is as good as a confirmation, one
// of an earlier step is not.
func TestLeaderMakesSureBeforeItAnswers(t *testing.T) {
	first := submitted(9, count())
	first.Reply = "s"
	asked, err := lead(nil, first, mapreduce.Asked{Want: mapreduce.WantRemove, Job: "count", Reply: "r"})
	if !errors.Is(err, errScriptEnds) {
		t.Errorf("ended with %v", err)
	}
	before := func(answer string) string { return asked[max(0, slices.Index(asked, answer)-1)] }
	if !slices.Contains(asked, "answer s") || slices.Index(asked, "confirm") < slices.Index(asked, "answer s") {
		t.Errorf("the submission is not answered, or confirmed besides its record: %q", asked)
	}
	if before("answer r") != "confirm" {
		t.Errorf("a refusal is answered behind %s: %q", before("answer r"), asked)
	}
}

func TestDeposedLeaderDoesNothingMore(t *testing.T) {
	refuse := map[string]error{"write u1 mapping": fmt.Errorf("write record: %w", mapreduce.ErrDeposed)}
	asked, err := lead(refuse, submitted(9, count()), planned(2), mapreduce.Tick{})
	if !errors.Is(err, mapreduce.ErrDeposed) {
		t.Errorf("ended with %v", err)
	}
	if last := asked[len(asked)-1]; last != "write u1 mapping" {
		t.Errorf("after the refusal: %s", last)
	}
}

func TestClassThatTheBusRefusesDoesNotEndTheLeadership(t *testing.T) {
	own := beat("w2")
	own.Slots["go-1234"] = 1
	asked, err := lead(map[string]error{"open go-1234": mapreduce.Permanentf("maximum consumers limit reached")}, own, submitted(9, count()))
	if !errors.Is(err, errScriptEnds) || !slices.Contains(asked, "open go-1234") || !slices.Contains(asked, "accept 9") {
		t.Errorf("ended with %v, having asked %q", err, asked)
	}
}

func TestWhatTheBusRefusesForGoodIsTheJobsTrouble(t *testing.T) {
	for _, call := range []string{"make 3", "publish 2 from map.0"} {
		refuse := map[string]error{call: mapreduce.Permanentf("no space")}
		asked, err := lead(refuse, submitted(9, count()), planned(2))
		if !errors.Is(err, errScriptEnds) {
			t.Errorf("%s: ended with %v", call, err)
		}
		if last := asked[len(asked)-1]; last != "end failed: no space" {
			t.Errorf("%s: the last thing asked was %s", call, last)
		}
	}
}

func TestRosterThatCannotBeStoredIsTheJobsTrouble(t *testing.T) {
	refuse := map[string]error{"store roster of map": mapreduce.Permanentf("no space")}
	events := []mapreduce.Event{submitted(9, count()), planned(3000)}
	for n := range 3000 {
		c := committed(mapreduce.Map, n)
		c.Attempt = attempt(mapreduce.WorkerID(fmt.Sprintf("worker%d", n)), 1)
		events = append(events, c)
	}
	asked, err := lead(refuse, events...)
	if last := asked[len(asked)-1]; last != "end failed: no space" || !errors.Is(err, errScriptEnds) {
		t.Errorf("the last thing asked was %s, ended with %v", last, err)
	}
}

func TestBusThatGivesUpEndsTheLeadership(t *testing.T) {
	cut := errors.New("connection closed")
	for _, call := range []string{"make 3", "publish 2 from map.0", "accept 9", "write u1 queued"} {
		if _, err := lead(map[string]error{call: cut}, submitted(9, count()), planned(2)); !errors.Is(err, cut) {
			t.Errorf("%s: ended with %v", call, err)
		}
	}
}

func TestUsersWhoCannotBeToldStopNobody(t *testing.T) {
	refuse := map[string]error{"tell planning": errors.New("too large"), "answer r": errors.New("gone")}
	_, err := lead(refuse, submitted(9, count()), mapreduce.Asked{Job: "count", Reply: "r"})
	if !errors.Is(err, errScriptEnds) {
		t.Errorf("ended with %v", err)
	}
}
