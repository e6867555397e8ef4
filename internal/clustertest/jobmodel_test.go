package clustertest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"jetreduce/backup"
	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// dawdle is a word count whose maps take a while, each another.
func dawdle() mapreduce.Program {
	return clustertest.Slow("dawdle", func(ctx context.Context, _ mapreduce.Batch) error {
		timer := time.NewTimer(rand.N(20 * time.Millisecond))
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

func customers(t *testing.T, s *clustertest.System, history *clustertest.History, seed uint64) []*clustertest.Customer {
	t.Helper()
	texts, _ := words(3)
	inputs, dir := clustertest.WriteFiles(t, texts...), t.TempDir()
	var jobs []mapreduce.Job
	for i := range 2 {
		id := mapreduce.JobID(fmt.Sprintf("job%d", i))
		jobs = append(jobs, mapreduce.Job{
			ID: id, Program: "dawdle", Inputs: inputs, SplitSize: 1, Reduces: 1,
			Output: mapreduce.Target{To: output.URL(filepath.Join(dir, string(id))), Force: true},
		})
	}
	var all []*clustertest.Customer
	for i, role := range s.Clients {
		all = append(all, &clustertest.Customer{
			Number: i, Desk: role.Bus().Desk(), History: history, Jobs: jobs, Luck: rand.New(rand.NewPCG(seed, uint64(i)+1)),
		})
	}
	return all
}

// Several clients submit, cancel, retry and remove the same jobs while coordinators, workers and clients are hit: whatever they
// were answered, one order of it is a life of each job.
func TestJobsHaveOneLifeInEveryHistory(t *testing.T) {
	t.Parallel()
	s := clustertest.Start(t, clustertest.Setup{
		Servers: 1, Coordinators: 3, Workers: 2, Clients: 3, Programs: []mapreduce.Program{dawdle()},
		Backup: backup.Config{
			Every: 50 * time.Millisecond, Silence: 300 * time.Millisecond, Rest: 50 * time.Millisecond, CallWait: 400 * time.Millisecond,
		},
	})
	s.Leader(0)
	storm := clustertest.NewStorm(t, append(s.Coordinators, s.Clients[0])...)
	var history clustertest.History
	ctx, cancel := context.WithTimeout(context.Background(), clustertest.Limit)
	defer cancel()
	var running sync.WaitGroup
	for _, c := range customers(t, s, &history, storm.Seed) {
		running.Go(func() { c.Run(ctx) })
	}
	over := time.Now().Add(clustertest.HistoryTime())
	raging, calm := context.WithTimeout(ctx, clustertest.HistoryTime()+clustertest.Limit/2)
	defer calm()
	storm.Rage(raging, func() bool { return time.Now().After(over) && eventful(history.Operations()) })
	cancel()
	running.Wait()
	ops, late := clustertest.Aged(history.Operations())
	t.Logf("%d operations, %d of them by a leader that is deposed", len(ops), late)
	if !eventful(ops) {
		t.Error("too little has happened to prove anything")
	}
	clustertest.Check(t, clustertest.JobModel(), ops)
}

// eventful reports whether a history proves something: jobs were submitted, seen, cancelled and removed, under several leaders.
func eventful(ops []porcupine.Operation) bool {
	asked, epochs := map[clustertest.JobOp]bool{}, map[mapreduce.Epoch]bool{}
	for _, op := range ops {
		if answer, ok := op.Output.(clustertest.JobAnswer); ok && answer.UID != "" {
			asked[op.Input.(clustertest.JobCall).Do] = true
			epochs[answer.Epoch] = true
		}
	}
	delete(asked, clustertest.Retry) // which is rarely done: somebody else is first to remove what was cancelled
	return len(asked) == 4 && len(epochs) > 1
}

func TestJobModelKnowsRightFromWrong(t *testing.T) {
	t.Parallel()
	var clock int64
	op := func(do clustertest.JobOp, answer any) porcupine.Operation {
		clock += 2
		to := clock + 1
		if answer == nil {
			to = clustertest.Unanswered
		}
		return operation(clustertest.JobCall{Job: "job", Do: do}, answer, clock, to)
	}
	at := func(uid mapreduce.UID, state mapreduce.State) clustertest.JobAnswer {
		return clustertest.JobAnswer{UID: uid, State: state}
	}
	refused := func(state mapreduce.State) clustertest.JobAnswer { return clustertest.JobAnswer{Refused: state} }
	begun := func(rest ...porcupine.Operation) []porcupine.Operation {
		first := operation(clustertest.JobCall{Job: "job", Do: clustertest.Submit}, at("u", mapreduce.Queued), 0, 1)
		return append([]porcupine.Operation{first}, rest...)
	}
	unknown := clustertest.JobAnswer{Unknown: true}
	for what, tc := range map[string]struct {
		ops  []porcupine.Operation
		want porcupine.CheckResult
	}{
		"it runs and is done": {begun(op(clustertest.Status, at("u", mapreduce.Mapping)), op(clustertest.Status, at("u", mapreduce.Done))), porcupine.Ok},
		"it goes back":        {begun(op(clustertest.Status, at("u", mapreduce.Reducing)), op(clustertest.Status, at("u", mapreduce.Mapping))), porcupine.Illegal},
		"two ends":            {begun(op(clustertest.Cancel, at("u", mapreduce.Cancelled)), op(clustertest.Status, at("u", mapreduce.Done))), porcupine.Illegal},
		"cancelled, and too late": {
			begun(op(clustertest.Cancel, at("u", mapreduce.Cancelled)), op(clustertest.Cancel, refused(mapreduce.Done))), porcupine.Illegal},
		"too late, and done": {
			begun(op(clustertest.Cancel, refused(mapreduce.Done)), op(clustertest.Status, at("u", mapreduce.Finishing)), op(clustertest.Status, at("u", mapreduce.Done))), porcupine.Ok},
		"cancelled without an answer": {begun(op(clustertest.Cancel, nil), op(clustertest.Status, at("u", mapreduce.Cancelled))), porcupine.Ok},
		"cancelled by nobody":         {begun(op(clustertest.Cancel, nil), op(clustertest.Status, at("u", mapreduce.Mapping)), op(clustertest.Status, at("u", mapreduce.Cancelled))), porcupine.Ok},
		"retried": {
			begun(op(clustertest.Cancel, at("u", mapreduce.Cancelled)), op(clustertest.Retry, at("v", mapreduce.Queued)), op(clustertest.Status, at("v", mapreduce.Mapping))), porcupine.Ok},
		"retried, and the old one answers": {
			begun(op(clustertest.Cancel, at("u", mapreduce.Cancelled)), op(clustertest.Retry, at("v", mapreduce.Queued)), op(clustertest.Cancel, at("u", mapreduce.Cancelled))), porcupine.Illegal},
		"retry refused, and done all the same": {
			begun(op(clustertest.Cancel, at("u", mapreduce.Cancelled)), op(clustertest.Retry, refused(mapreduce.Mapping)), op(clustertest.Status, at("v", mapreduce.Queued))), porcupine.Illegal},
		"removed": {begun(op(clustertest.Remove, at("u", mapreduce.Done)), op(clustertest.Cancel, unknown), op(clustertest.Submit, at("v", mapreduce.Queued))), porcupine.Ok},
		"removed, and still there": {
			begun(op(clustertest.Remove, at("u", mapreduce.Done)), op(clustertest.Status, at("u", mapreduce.Done))), porcupine.Illegal},
		"an old uid comes again": {
			begun(op(clustertest.Remove, at("u", mapreduce.Done)), op(clustertest.Submit, nil), op(clustertest.Status, at("u", mapreduce.Done))), porcupine.Illegal},
		"nobody knows it": {begun(op(clustertest.Cancel, unknown)), porcupine.Illegal},
	} {
		if got := clustertest.Judge(clustertest.JobModel(), tc.ops); got != tc.want {
			t.Errorf("%s: judged %s, want %s", what, got, tc.want)
		}
	}
}
