package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nats-io/nats.go"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// patience is the queue's in these tests: long enough that no delivery comes twice by itself.
const patience = 30 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func mapTask(n int) mapreduce.TaskID {
	return mapreduce.TaskID{UID: "u1", Phase: mapreduce.Map, N: n, Generation: 1}
}

func attempt(n int) mapreduce.Attempt { return mapreduce.Attempt{Worker: "w1", N: uint32(n)} }

func TestOfTwoCommitsTheFirstStands(t *testing.T) {
	t.Parallel()
	ctx, commits := deadline(t), bustest.Start(t, patience).Bus().Commits()
	first := mapreduce.Commit{Version: 1, Task: mapTask(3), Attempt: attempt(1), Digest: 7}
	second := mapreduce.Commit{Version: 1, Task: mapTask(3), Attempt: attempt(2), Digest: 8}
	for _, mine := range []mapreduce.Commit{first, second, first} {
		standing, err := commits.Commit(ctx, mine)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, standing); diff != "" {
			t.Errorf("commit of attempt %s: %s", mine.Attempt, diff)
		}
	}
	for n, want := range map[int]bool{3: true, 4: false} {
		if stands, err := commits.Stands(ctx, mapTask(n)); err != nil || stands != want {
			t.Errorf("map %d is committed: %v, %v", n, stands, err)
		}
	}
}

func TestOnlyOneEndIsDecided(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	if err := b.Journal(1).End(ctx, mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Failed, Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	standing, err := b.Commits().Decide(ctx, mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Done, Attempt: attempt(1)})
	if err != nil {
		t.Fatal(err)
	}
	if standing.State != mapreduce.Failed {
		t.Errorf("the end is %s, want the first that was written, %s", standing.State, mapreduce.Failed)
	}
}

func TestDeposedLeaderCannotWrite(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	record := mapreduce.Record{Version: 1, UID: "u1", Job: "j", State: mapreduce.Planning}
	old, err := takeEpoch(ctx, b, "old")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Journal(old).Write(ctx, record); err != nil {
		t.Fatalf("the leader cannot write: %v", err)
	}
	if _, err := takeEpoch(ctx, b, "new"); err != nil {
		t.Fatal(err)
	}
	if err := b.Journal(old).Write(ctx, record); !errors.Is(err, mapreduce.ErrDeposed) {
		t.Errorf("the deposed leader's write: %v, want %v", err, mapreduce.ErrDeposed)
	}
	feed := b.OpenFeed(bustest.Quiet())
	defer feed.Close()
	if err := feed.Lead(ctx, old); !errors.Is(err, mapreduce.ErrDeposed) {
		t.Errorf("the deposed leader's barrier: %v, want %v", err, mapreduce.ErrDeposed)
	}
}

func TestFeedReplaysAllRecordsBeforeItLeads(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	old, err := takeEpoch(ctx, b, "old")
	if err != nil {
		t.Fatal(err)
	}
	spec := mapreduce.Job{ID: "j", Program: "wordcount", Inputs: []string{"/x"}}
	record := mapreduce.Record{Version: 1, UID: "u1", Job: "j", State: mapreduce.Queued, At: time.Now().UTC(), Seq: 4, Spec: &spec}
	commit := mapreduce.Commit{Version: 1, Task: mapTask(0), Attempt: attempt(1), Digest: 7}
	failure := mapreduce.Failure{Version: 1, Task: mapTask(1), Attempt: attempt(2), Reason: "no"}
	end := mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Failed, Reason: "no"}
	_, err1 := b.Commits().Commit(ctx, commit)
	for _, err := range []error{b.Journal(old).Write(ctx, record), err1, b.Commits().Fail(ctx, failure), b.Journal(old).End(ctx, end)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	next, err := takeEpoch(ctx, b, "new")
	if err != nil {
		t.Fatal(err)
	}
	feed := b.OpenFeed(bustest.Quiet())
	defer feed.Close()
	if err := feed.Lead(ctx, next); err != nil {
		t.Fatal(err)
	}
	want := []mapreduce.Event{mapreduce.Restored{Record: record}, commit, failure, end, mapreduce.Replayed{}}
	for _, event := range want {
		got, err := feed.Next(ctx)
		for err == nil && isTick(got) {
			got, err = feed.Next(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(event, got); diff != "" {
			t.Fatalf("replay: %s", diff)
		}
	}
}

func isTick(e mapreduce.Event) bool {
	switch e.(type) {
	case mapreduce.Tick, mapreduce.QueueSeen:
		return true
	}
	return false
}

func task(n int) mapreduce.Task {
	return mapreduce.Task{Version: 1, ID: mapTask(n), Job: "j", Pool: mapreduce.DefaultPool, Class: bustest.Class, Round: 1}
}

func publishTasks(t *testing.T, ctx context.Context, q *bus.Queue, tasks ...mapreduce.Task) []uint64 {
	t.Helper()
	seqs, err := q.Publish(ctx, tasks)
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func pull(t *testing.T, ctx context.Context, q *bus.Queue) mapreduce.Delivery {
	t.Helper()
	d, err := q.Pull(ctx, bustest.Class)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func queue(t *testing.T, b *bus.Bus) *bus.Queue {
	t.Helper()
	q := b.Queue(bustest.Quiet())
	t.Cleanup(q.Close)
	return q
}

func TestTasksComeInOrderAndOnce(t *testing.T) {
	t.Parallel()
	ctx, q := deadline(t), queue(t, bustest.Start(t, patience).Bus())
	publishTasks(t, ctx, q, task(0), task(1), task(2))
	publishTasks(t, ctx, q, task(2)) // the same round once more: a retry, not a task
	for n := range 3 {
		d := pull(t, ctx, q)
		if d.Task.ID != mapTask(n) || d.Patience != patience {
			t.Errorf("delivery %d is %s with patience %s", n, d.Task.ID, d.Patience)
		}
		if err := q.Settle(ctx, d.Receipt, mapreduce.Complete); err != nil {
			t.Error(err)
		}
	}
	again := task(2)
	again.Round = 2
	publishTasks(t, ctx, q, again)
	if d := pull(t, ctx, q); d.Task.Round != 2 {
		t.Errorf("the task queued again came with round %d", d.Task.Round)
	}
}

func TestHandedBackTaskGoesToAnotherAtOnce(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	one, two := queue(t, s.Bus()), queue(t, s.Bus())
	publishTasks(t, ctx, one, task(0))
	d := pull(t, ctx, one)
	if err := one.Settle(ctx, d.Receipt, mapreduce.HandBack); err != nil {
		t.Fatal(err)
	}
	if got := pull(t, ctx, two); got.Task.ID != d.Task.ID {
		t.Errorf("got %s", got.Task.ID)
	}
}

func TestDeadWorkersTaskIsHandedOnByItsReceipt(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	leader, dead, alive := queue(t, s.Bus()), queue(t, s.Bus()), queue(t, s.Bus())
	publishTasks(t, ctx, leader, task(0))
	d := pull(t, ctx, dead)
	if err := leader.HandOn(ctx, d.Receipt); err != nil {
		t.Fatal(err)
	}
	if got := pull(t, ctx, alive); got.Task.ID != d.Task.ID {
		t.Errorf("got %s", got.Task.ID)
	}
}

func TestForgedReceiptIsNotPublishedTo(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	nc := s.Conn()
	var subs []*nats.Subscription
	for _, subject := range []string{"victim.>", "$JS.ACK.>"} {
		sub, err := nc.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	b, err := bus.New(nc, "")
	if err != nil {
		t.Fatal(err)
	}
	q := queue(t, b)
	for _, receipt := range []string{
		"victim.x", "", "$JS.ACK.OTHER.c.1.1.1.1.0", "$JS.ACK.x.JETREDUCE_TASKS.CONSUMER.MSG.NEXT.KV_jetreduce-state",
		"$JS.ACK.JETREDUCE_TASKS.c.1.1.1.1.0.x", "$JS.ACK.JETREDUCE_TASKS.*.1.1.1.1.0", "$JS.ACK.JETREDUCE_TASKS..1.1.1.1.0",
	} {
		if err := q.HandOn(ctx, receipt); err != nil {
			t.Error(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, sub := range subs {
		if n, _, _ := sub.Pending(); n != 0 {
			t.Errorf("a receipt that a heartbeat made up was published to, on %s", sub.Subject)
		}
	}
}

func TestTaskThatComesToACancelledPullIsHandedBack(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	gone, alive := queue(t, s.Bus()), queue(t, s.Bus())
	leaving, leave := context.WithCancel(ctx)
	left := make(chan error)
	go func() {
		_, err := gone.Pull(leaving, bustest.Class)
		left <- err
	}()
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	publishTasks(t, ctx, alive, task(0)) // the request of the pull that was given up may still stand at the server
	if got := pull(t, ctx, alive); got.Task.ID != mapTask(0) {
		t.Errorf("got %s", got.Task.ID)
	}
}

func TestWithdrawnTaskIsNotDelivered(t *testing.T) {
	t.Parallel()
	ctx, q := deadline(t), queue(t, bustest.Start(t, patience).Bus())
	seqs := publishTasks(t, ctx, q, task(0), task(1))
	if err := q.Withdraw(ctx, append(seqs[:1], 999)); err != nil {
		t.Fatal(err)
	}
	if got := pull(t, ctx, q); got.Task.ID != mapTask(1) {
		t.Errorf("got %s, want the task that was not withdrawn", got.Task.ID)
	}
}

func TestWhatIsNoTaskLeavesTheQueueAndAnotherVersionStays(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	nc, q := s.Conn(), queue(t, s.Bus())
	subject := "jetreduce.tasks.default." + string(bustest.Class)
	for _, data := range []string{"{not json", `{"v":1}`, `{"v":99,"task":"u1.map.7.1"}`} {
		if _, err := nc.Request(subject, []byte(data), 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	publishTasks(t, ctx, q, task(1))
	if got := pull(t, ctx, q); got.Task.ID != mapTask(1) {
		t.Errorf("got %s", got.Task.ID)
	}
}

func TestRunsComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	lane := mapreduce.Lane{UID: "u1", Reader: mapreduce.Reduce, Partition: 3, Generation: 1}
	if _, err := b.Storage().Make(ctx, []mapreduce.Lane{lane}); err != nil {
		t.Fatal(err)
	}
	const chunks = 2*512 + 3 // more than two batches of a fetch
	push, flush := b.Runs().Publisher(ctx)
	for i := range chunks {
		if err := push(lane, fmt.Appendf(nil, "chunk %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := flush(); err != nil {
		t.Fatal(err)
	}
	next := 0
	err := b.Runs().Fetch(ctx, lane, func(chunk []byte) error {
		if want := fmt.Sprintf("chunk %d", next); string(chunk) != want {
			t.Fatalf("got %q, want %q", chunk, want)
		}
		next++
		return nil
	})
	if err != nil || next != chunks {
		t.Errorf("%d of %d chunks came out: %v", next, chunks, err)
	}
}

func TestChunksLargerThanTheWindowGoThrough(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	lane := mapreduce.Lane{UID: "u1", Reader: mapreduce.Finish, Generation: 1}
	if _, err := b.Storage().Make(ctx, []mapreduce.Lane{lane}); err != nil {
		t.Fatal(err)
	}
	push, flush := b.Runs().Publisher(ctx)
	var sent, got int
	for range 40 {
		sent += 900_000
		if err := push(lane, make([]byte, 900_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := flush(); err != nil {
		t.Fatal(err)
	}
	if err := b.Runs().Fetch(ctx, lane, func(chunk []byte) error { got += len(chunk); return nil }); err != nil || got != sent {
		t.Errorf("%d of %d bytes came out: %v", got, sent, err)
	}
}

func TestEmptyLaneHasNoRunsAndAGoneLaneIsLost(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	lane := mapreduce.Lane{UID: "u1", Reader: mapreduce.Reduce, Generation: 1}
	none := func([]byte) error { t.Error("a chunk from nowhere"); return nil }
	for range 2 { // what is there is made; what is not there is dropped
		if _, err := b.Storage().Make(ctx, []mapreduce.Lane{lane}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Runs().Fetch(ctx, lane, none); err != nil {
		t.Errorf("an empty lane: %v", err)
	}
	for range 2 {
		if err := b.Storage().Drop(ctx, []mapreduce.Lane{lane}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Runs().Fetch(ctx, lane, none); !errors.Is(err, mapreduce.ErrRunsLost) {
		t.Errorf("a lane that is gone: %v, want %v", err, mapreduce.ErrRunsLost)
	}
	push, flush := b.Runs().Publisher(ctx)
	if err := errors.Join(push(lane, []byte("x")), flush()); err == nil {
		t.Error("publishing on a lane that is gone succeeded")
	}
}

func TestTooLargeAMessageIsRefusedNotCut(t *testing.T) {
	t.Parallel()
	ctx, b := deadline(t), bustest.Start(t, patience).Bus()
	record := mapreduce.Record{Version: 1, UID: "u1", State: mapreduce.Failed, Error: string(make([]byte, mapreduce.MaxMessage))}
	epoch, err := takeEpoch(ctx, b, "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Journal(epoch).Write(ctx, record); !mapreduce.IsPermanent(err) {
		t.Errorf("got %v, want a permanent refusal", err)
	}
}
