package clustertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus/bustest"
	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
)

// Three that want to lead, under random partitions, pauses and restarts of the server: whatever they were answered, one order
// of it is what a fence promises.
func TestFenceHoldsInEveryHistory(t *testing.T) {
	t.Parallel()
	s := clustertest.Start(t, clustertest.Setup{Servers: 1, Clients: 3})
	fenceHolds(t, s, s.RestartServer)
}

// The same on three servers, of which the one that leads the state is killed once: then nothing is done until there is another.
func TestFenceHoldsInEveryHistoryOnThreeServers(t *testing.T) {
	t.Parallel()
	s := clustertest.Start(t, clustertest.Setup{Servers: bustest.Servers, Clients: 3})
	fenceHolds(t, s, sync.OnceFunc(func() {
		leader := s.Cluster.LeaderOf("KV_jetreduce-state")
		s.Cluster.Kill(leader)
		s.Cluster.Start(leader)
	}))
}

func fenceHolds(t *testing.T, s *clustertest.System, around func()) {
	t.Helper()
	storm := clustertest.NewStorm(t, s.Clients...)
	storm.Around = around
	var history clustertest.History
	ctx, cancel := context.WithTimeout(context.Background(), clustertest.Limit)
	defer cancel()
	var running sync.WaitGroup
	claimants := claim(ctx, t, s, &history, &running)
	over := time.Now().Add(clustertest.HistoryTime())
	raging, calm := context.WithTimeout(ctx, clustertest.HistoryTime()+clustertest.Limit/2)
	defer calm()
	storm.Rage(raging, func() bool { return time.Now().After(over) && deposed(claimants) >= 2 })
	cancel()
	running.Wait()
	ops := history.Operations()
	clustertest.Check(t, clustertest.FenceModel(), clustertest.Settled(ops))
	report(t, ops)
}

// claim lets every client of a system claim the leadership.
func claim(ctx context.Context, t *testing.T, s *clustertest.System, history *clustertest.History, running *sync.WaitGroup) []clustertest.Claimant {
	t.Helper()
	claimants := make([]clustertest.Claimant, len(s.Clients))
	for i, role := range s.Clients {
		c := &claimants[i]
		c.Number, c.Bus, c.History = i, role.Bus(), history
		running.Go(func() {
			if err := c.Run(ctx); err != nil {
				t.Errorf("claimant %d gave up: %v", i, err)
			}
		})
	}
	return claimants
}

// deposed is how often claimants found out the hard way.
func deposed(claimants []clustertest.Claimant) (n int64) {
	for i := range claimants {
		n += claimants[i].Deposed.Load()
	}
	return n
}

// report says what a history is made of, and fails if it proves nothing.
func report(t *testing.T, ops []porcupine.Operation) {
	t.Helper()
	counts := map[string]int{}
	for _, op := range ops {
		answer, answered := op.Output.(clustertest.FenceAnswer)
		how := map[bool]string{true: "done", false: "refused"}[!answer.Refused]
		if !answered {
			how = "unanswered"
		}
		counts[string(op.Input.(clustertest.FenceCall).Do)+" "+how]++
	}
	t.Logf("%d operations: %v", len(ops), counts)
	if counts["acquire done"] < 2 || counts["write refused"] < 1 || counts["read done"] < 2 {
		t.Error("nobody was ever deposed: this test tested nothing")
	}
}

// unfenced is a journal without the fence's expectation.
type unfenced struct{ conn *nats.Conn }

func (u unfenced) Write(ctx context.Context, record mapreduce.Record) error {
	js, err := jetstream.New(u.conn)
	if err != nil {
		return err
	}
	data, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = js.Publish(ctx, fmt.Sprintf("$KV.jetreduce-state.job.%s.%s", record.UID, record.State), data)
	return err
}

// The same under a journal that forgets the fence is found out: the checker can fail.
func TestHistoryWithoutAFenceIsIllegal(t *testing.T) {
	t.Parallel()
	s := clustertest.Start(t, clustertest.Setup{Servers: 1, Clients: 2})
	var history clustertest.History
	ctx, cancel := context.WithTimeout(context.Background(), clustertest.Limit)
	defer cancel()
	var running sync.WaitGroup
	for i, role := range s.Clients {
		c := &clustertest.Claimant{Number: i, Bus: role.Bus(), History: &history}
		c.Journal = func(mapreduce.Epoch) clustertest.Journal { return unfenced{role.Conn()} }
		running.Go(func() { _ = c.Run(ctx) })
	}
	first, epoch := winner(ctx, t, &history, 0)
	s.Clients[first].Isolate()
	winner(ctx, t, &history, epoch)
	s.Clients[first].Heal()
	until(ctx, t, func() bool { return usurped(history.Operations(), epoch) })
	cancel()
	running.Wait()
	if got := clustertest.Judge(clustertest.FenceModel(), clustertest.Settled(history.Operations())); got != porcupine.Illegal {
		t.Errorf("a history without a fence is judged %s", got)
	}
}

// winner waits until a later epoch than this is won, and returns by whom.
func winner(ctx context.Context, t *testing.T, history *clustertest.History, after mapreduce.Epoch) (process int, epoch mapreduce.Epoch) {
	t.Helper()
	until(ctx, t, func() bool {
		for _, op := range history.Operations() {
			if answer, ok := op.Output.(clustertest.FenceAnswer); ok && answer.Epoch > after {
				process, epoch = op.ClientId, answer.Epoch
			}
		}
		return epoch > after
	})
	return process, epoch
}

// until waits for what a history shows no event of.
func until(ctx context.Context, t *testing.T, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatal("it does not come to pass")
		}
	}
}

// usurped reports whether a write under an epoch was called and accepted after a later one had been won.
func usurped(ops []porcupine.Operation, epoch mapreduce.Epoch) bool {
	over := int64(clustertest.Unanswered)
	for _, op := range ops {
		if answer, ok := op.Output.(clustertest.FenceAnswer); ok && answer.Epoch > epoch {
			over = min(over, op.Return)
		}
	}
	return slices.ContainsFunc(ops, func(op porcupine.Operation) bool {
		call := op.Input.(clustertest.FenceCall)
		answer, answered := op.Output.(clustertest.FenceAnswer)
		return call.Do == clustertest.Write && call.Epoch == epoch && op.Call > over && answered && !answer.Refused
	})
}

func TestFenceModelKnowsRightFromWrong(t *testing.T) {
	t.Parallel()
	const open = clustertest.Unanswered
	acquire := func(after, won mapreduce.Epoch, from, to int64) porcupine.Operation {
		return operation(clustertest.FenceCall{Do: clustertest.Acquire, Epoch: after}, clustertest.FenceAnswer{Epoch: won, Refused: won == 0}, from, to)
	}
	write := func(epoch mapreduce.Epoch, record mapreduce.UID, refused bool, from, to int64) porcupine.Operation {
		return operation(clustertest.FenceCall{Do: clustertest.Write, Epoch: epoch, Record: record}, clustertest.FenceAnswer{Refused: refused}, from, to)
	}
	read := func(from, to int64, records ...mapreduce.UID) porcupine.Operation {
		seen := map[mapreduce.UID]bool{}
		for _, record := range records {
			seen[record] = true
		}
		return operation(clustertest.FenceCall{Do: clustertest.Read}, clustertest.FenceAnswer{Records: clustertest.Sum(seen), Seen: seen}, from, to)
	}
	for what, tc := range map[string]struct {
		ops  []porcupine.Operation
		want porcupine.CheckResult
	}{
		"one after the other":                  {[]porcupine.Operation{acquire(0, 1, 1, 2), write(1, "a", false, 3, 4), acquire(1, 3, 5, 6), read(7, 8, "a")}, porcupine.Ok},
		"accepted under an epoch that is over": {[]porcupine.Operation{acquire(0, 1, 1, 2), acquire(1, 3, 3, 4), write(1, "a", false, 5, 6)}, porcupine.Illegal},
		"refused, and it stands":               {[]porcupine.Operation{acquire(0, 1, 1, 2), write(1, "a", true, 3, 4)}, porcupine.Illegal},
		"one epoch won twice":                  {[]porcupine.Operation{acquire(0, 1, 1, 4), acquire(0, 1, 2, 3)}, porcupine.Illegal},
		"an accepted record is not read":       {[]porcupine.Operation{acquire(0, 1, 1, 2), write(1, "a", false, 3, 4), acquire(1, 3, 5, 6), read(7, 8)}, porcupine.Illegal},
		"a refused record is read":             {[]porcupine.Operation{acquire(0, 1, 1, 2), acquire(1, 3, 3, 4), write(1, "a", true, 5, 6), read(7, 8, "a")}, porcupine.Illegal},
		"unanswered, and accepted in time":     {[]porcupine.Operation{acquire(0, 1, 1, 2), write(1, "a", false, 3, open), acquire(1, 3, 5, 6), read(7, 8, "a")}, porcupine.Ok},
		"unanswered, and never accepted":       {[]porcupine.Operation{acquire(0, 1, 1, 2), write(1, "a", false, 3, open), acquire(1, 3, 5, 6), read(7, 8)}, porcupine.Ok},
		"unanswered, and accepted too late":    {[]porcupine.Operation{acquire(0, 1, 1, 2), write(1, "a", false, 3, open), acquire(1, 3, 5, 6), read(7, 8), read(9, 10, "a")}, porcupine.Illegal},
		"an epoch that nobody holds":           {[]porcupine.Operation{acquire(0, 9, 1, open), acquire(1, 3, 5, 6), write(3, "a", false, 7, 8)}, porcupine.Ok},
		"it is over by one that nobody holds":  {[]porcupine.Operation{acquire(0, 1, 1, 2), acquire(1, 9, 3, open), write(1, "a", true, 5, 6)}, porcupine.Ok},
	} {
		if got := clustertest.Judge(clustertest.FenceModel(), clustertest.Settled(tc.ops)); got != tc.want {
			t.Errorf("%s: judged %s, want %s", what, got, tc.want)
		}
	}
}

// operation is one of a history made by hand.
func operation(call, answer any, from, to int64) porcupine.Operation {
	op := porcupine.Operation{Input: call, Output: answer, Call: from, Return: to}
	if to == clustertest.Unanswered {
		op.Output = nil
	}
	return op
}

// verdict is a test that may fail without harm.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Helper()                           {}
func (v *verdict) Errorf(format string, args ...any) { v.said = fmt.Sprintf(format, args...) }

func TestIllegalHistoryLeavesAPicture(t *testing.T) {
	t.Parallel()
	illegal := operation(clustertest.FenceCall{Do: clustertest.Write, Epoch: 1, Record: "a"}, clustertest.FenceAnswer{}, 1, 2)
	v := &verdict{TB: t}
	clustertest.Check(v, clustertest.FenceModel(), []porcupine.Operation{illegal})
	picture := regexp.MustCompile(`\S+\.html`).FindString(v.said)
	page, err := os.ReadFile(picture)
	if err != nil || !regexp.MustCompile(`write epoch=1 a`).Match(page) {
		t.Errorf("%q, and at %q there are %d bytes, error %v", v.said, picture, len(page), err)
	}
	if picture != "" {
		if err := os.RemoveAll(filepath.Dir(picture)); err != nil {
			t.Error(err)
		}
	}
}
