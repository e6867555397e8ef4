package bus_test

import (
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// script says what a server answers on some subjects, one answer after the other, the last again and again.
type script map[string][]string

// Answers of JetStream.
const (
	silence       = ""
	wrongSequence = `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"}}`
	noMessage     = `{"error":{"code":404,"err_code":10037,"description":"no message found"}}`
	noStream      = `{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`
	noLeader      = `{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`
)

// scripted is a bus whose JetStream is played by the test: of a real one some answers are too rare.
func scripted(t *testing.T, s script) *bus.Bus {
	t.Helper()
	return scriptedOn(t, server.Options{Port: server.RANDOM_PORT}, s)
}

func scriptedOn(t *testing.T, options server.Options, s script) *bus.Bus {
	t.Helper()
	fake := startServer(t, options)
	nc := connectPlain(t, fake)
	for subject, answers := range s {
		var asked atomic.Int64
		_, err := nc.Subscribe(subject, func(msg *nats.Msg) {
			if answer := answers[min(int(asked.Add(1)), len(answers))-1]; answer != silence {
				_ = msg.Respond([]byte(answer))
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return busOf(t, fake)
}

func connectPlain(t *testing.T, s *server.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// The record that was in the way is forgotten before it is read.
func TestCommitWhoseRivalIsForgottenMeanwhileStands(t *testing.T) {
	t.Parallel()
	b := scripted(t, script{
		"$KV.jetreduce-commits.u1.map.3.1":            {wrongSequence, `{"stream":"KV_jetreduce-commits","seq":2}`},
		"$JS.API.STREAM.INFO.KV_jetreduce-commits":    {`{"config":{"name":"KV_jetreduce-commits"}}`},
		"$JS.API.STREAM.MSG.GET.KV_jetreduce-commits": {noMessage},
	})
	mine := mapreduce.Commit{Version: 1, Task: mapTask(3), Attempt: attempt(1), Digest: 7}
	standing, err := b.Commits().Commit(deadline(t), mine)
	if err != nil || standing.Attempt != mine.Attempt {
		t.Errorf("%v %v", standing, err)
	}
}

// The same, on a real server: whoever comes between, a commit comes to an end.
func TestCommitsAndForgettingAtATimeComeToAnEnd(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	one, other, journal := s.Bus().Commits(), s.Bus().Commits(), s.Bus().Journal(1)
	for range 30 {
		if _, err := one.Commit(ctx, mapreduce.Commit{Version: 1, Task: mapTask(0), Attempt: attempt(1)}); err != nil {
			t.Fatal(err)
		}
		forgotten := make(chan error, 1)
		go func() { forgotten <- journal.Forget(ctx, "u1", false) }()
		_, err := other.Commit(ctx, mapreduce.Commit{Version: 1, Task: mapTask(0), Attempt: attempt(2)})
		if err2 := <-forgotten; err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
	}
}
