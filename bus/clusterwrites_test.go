package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// ledger is what writers at each server of a cluster were told, while the servers die.
type ledger struct {
	epoch mapreduce.Epoch

	mu      sync.Mutex
	changed chan struct{}
	rounds  [bustest.Servers]int              // how many each writer has made
	winners map[int]mapreduce.Attempt         // of each task, as all were told
	records [bustest.Servers]mapreduce.Record // the last of each writer that was acknowledged
}

func newLedger(epoch mapreduce.Epoch) *ledger {
	return &ledger{epoch: epoch, changed: make(chan struct{}), winners: map[int]mapreduce.Attempt{}}
}

// write writes until stop is closed. All writers compete for the same tasks, and for the fence.
func (l *ledger) write(ctx context.Context, b *bus.Bus, writer int, stop <-chan struct{}) error {
	journal, commits := b.Journal(l.epoch), b.Commits()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		record := mapreduce.Record{Version: 1, UID: mapreduce.UID(fmt.Sprintf("w%d", writer)), State: mapreduce.Queued, Seq: uint64(n + 1)}
		mine := mapreduce.Commit{Version: 1, Task: mapTask(n), Attempt: mapreduce.Attempt{Worker: "w1", N: uint32(writer + 1)}}
		if err := journal.Write(ctx, record); err != nil {
			return err
		}
		standing, err := commits.Commit(ctx, mine)
		if err == nil {
			err = l.note(writer, record, n, standing.Attempt)
		}
		if err != nil {
			return err
		}
	}
}

func (l *ledger) note(writer int, record mapreduce.Record, task int, won mapreduce.Attempt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, known := l.winners[task]
	if known && before != won {
		return fmt.Errorf("task %d was won by %s and by %s", task, before, won)
	}
	l.winners[task], l.records[writer] = won, record
	l.rounds[writer]++
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

// goOn waits until each writer has made some more rounds.
func (l *ledger) goOn(ctx context.Context, t *testing.T, what string) {
	t.Helper()
	const more = 20
	began := time.Now()
	l.mu.Lock()
	want := l.rounds
	l.mu.Unlock()
	for {
		l.mu.Lock()
		changed, done := l.changed, true
		for i, n := range l.rounds {
			done = done && n >= want[i]+more
		}
		l.mu.Unlock()
		if done {
			t.Logf("%s: all have written %d more after %s", what, more, time.Since(began).Round(time.Millisecond))
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%s: writing does not go on: %v", what, context.Cause(ctx))
		}
	}
}

// commitsOf takes events out of a feed until it has handed in the commits of n tasks.
func commitsOf(ctx context.Context, feed *bus.Feed, n int) (map[int]mapreduce.Attempt, error) {
	commits := map[int]mapreduce.Attempt{}
	for len(commits) < n {
		event, err := feed.Next(ctx)
		if err != nil {
			return commits, fmt.Errorf("%d of %d commits were handed in: %w", len(commits), n, err)
		}
		c, is := event.(mapreduce.Commit)
		if !is {
			continue
		}
		if _, twice := commits[c.Task.N]; twice {
			return commits, fmt.Errorf("the commit of %s was handed in twice", c.Task)
		}
		commits[c.Task.N] = c.Attempt
	}
	return commits, nil
}

func TestNoWriteIsLostWhenServersDie(t *testing.T) {
	t.Parallel()
	ctx, c := patient(t), bustest.StartCluster(t, patience)
	epoch, err := takeEpoch(ctx, c.Bus(), "a")
	if err != nil {
		t.Fatal(err)
	}
	l, stop := newLedger(epoch), make(chan struct{})
	group, groupCtx := errgroup.WithContext(ctx)
	for i := range bustest.Servers {
		b := c.BusAt(i)
		group.Go(func() error { return l.write(groupCtx, b, i, stop) })
	}
	l.goOn(groupCtx, t, "at first")
	leader := c.LeaderOf(stateBucket)
	c.Kill(leader)
	l.goOn(groupCtx, t, "the leader of the state is killed")
	c.Start(leader)
	l.goOn(groupCtx, t, "it is back")
	follower := (c.LeaderOf(stateBucket) + 1) % bustest.Servers
	c.AwaitReplicas(stateBucket, "KV_jetreduce-commits")
	c.Kill(follower)
	l.goOn(groupCtx, t, "another is killed")
	close(stop)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	l.compare(ctx, t, c)
}

// compare compares what the writers were told with what a coordinator is handed that begins now.
func (l *ledger) compare(ctx context.Context, t *testing.T, c *bustest.Cluster) {
	t.Helper()
	feed := c.Bus().OpenFeed(bustest.Quiet())
	defer feed.Close()
	commits, err := commitsOf(ctx, feed, len(l.winners))
	if err != nil {
		t.Fatal(err)
	}
	for task, won := range l.winners {
		if commits[task] != won {
			t.Errorf("task %d: %s is on the bus, and its writers were told %s", task, commits[task], won)
		}
	}
	stood := map[mapreduce.UID]uint64{}
	each(ctx, t, c.Conn(), func(_ uint64, r mapreduce.Record) { stood[r.UID] = r.Seq })
	for _, r := range l.records {
		if stood[r.UID] < r.Seq {
			t.Errorf("the record %d of %s was acknowledged, and %d stands", r.Seq, r.UID, stood[r.UID])
		}
	}
	t.Logf("%d commits and %v records are where they must be", len(commits), stood)
}

// A feed is blind when the server of its consumer dies, and must not stay so.
func TestFeedSeesAgainWhenAServerDies(t *testing.T) {
	t.Parallel()
	ctx, c := patient(t), bustest.StartCluster(t, patience)
	victim := 0
	for leads := c.MetaLeader(); victim == leads || victim == c.LeaderOf("KV_jetreduce-commits"); {
		victim++
	}
	const feeds = 6 // their consumers are on all servers
	var following errgroup.Group
	writer := c.BusAt((victim + 1) % bustest.Servers)
	first := make(chan struct{}, feeds)
	for range feeds {
		feed := c.BusAt((victim + 1) % bustest.Servers).OpenFeed(bustest.Quiet())
		t.Cleanup(feed.Close)
		following.Go(func() error {
			if _, err := commitsOf(ctx, feed, 1); err != nil {
				return err
			}
			first <- struct{}{}
			began := time.Now()
			_, err := commitsOf(ctx, feed, 9)
			t.Logf("a feed has seen all after %s", time.Since(began).Round(time.Millisecond))
			return err
		})
	}
	for n := range 10 {
		if n == 1 {
			for range feeds {
				<-first
			}
			c.Kill(victim)
		}
		commit := mapreduce.Commit{Version: 1, Task: mapTask(n), Attempt: attempt(1)}
		if _, err := writer.Commits().Commit(ctx, commit); err != nil {
			t.Fatal(err)
		}
	}
	if err := following.Wait(); err != nil { // without our own look they would see again when the time is up
		t.Fatal(err)
	}
}

// A record in flight may come to nothing with its server: who finds it in the way has recorded nothing yet.
func TestRecordInFlightIsNotYetThere(t *testing.T) {
	t.Parallel()
	const inFlight = `{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"}}`
	b := scripted(t, script{
		"$KV.jetreduce-commits.u1.end": {inFlight, inFlight, `{"stream":"KV_jetreduce-commits","seq":2}`},
	})
	nc := b.Conn()
	sub, err := nc.SubscribeSync("$KV.jetreduce-commits.u1.end")
	if err != nil {
		t.Fatal(err)
	}
	end := mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Failed}
	// Whoever listens here may be served after whoever answers: the last flush waits for both.
	if err := errors.Join(nc.Flush(), b.Journal(1).End(deadline(t), end), nc.Flush()); err != nil {
		t.Fatal(err)
	}
	if asked, _, _ := sub.Pending(); asked != 3 {
		t.Errorf("the end was written after %d tries, want 3: the first two were in flight", asked)
	}
}
