package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// front is the service of a leader, whose answers are the test's.
type front struct {
	t    *testing.T
	bus  *bus.Bus
	feed *bus.Feed
	conn *nats.Conn // of a client
}

func lead(t *testing.T, s *bustest.Server) *front {
	t.Helper()
	ctx, b := deadline(t), s.Bus()
	epoch, err := b.Lease("p1").Acquire(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &front{t, b, b.OpenFeed(bustest.Quiet()).Named("host-1"), s.Conn()}
	t.Cleanup(f.feed.Close)
	if err := f.feed.Lead(ctx, epoch); err != nil {
		t.Fatal(err)
	}
	for f.listens() != nil {
		if ctx.Err() != nil {
			t.Fatal("nobody listens to requests")
		}
	}
	return f
}

// listens asks for what is answered without the leader, and is subscribed to last.
func (f *front) listens() error {
	_, err := f.conn.Request("jetreduce.api.x.y", nil, patience)
	return err
}

// ask asks, and has answer answer what comes in.
func (f *front) ask(want, body string, answer mapreduce.Answer) *nats.Msg {
	f.t.Helper()
	ctx, got := deadline(f.t), make(chan *nats.Msg, 1)
	go func() {
		msg, _ := f.conn.RequestWithContext(ctx, "jetreduce.api."+want, []byte(body))
		got <- msg
	}()
	for {
		event, err := f.feed.Next(ctx)
		if err != nil {
			f.t.Fatal(err)
		}
		var reply string
		switch e := event.(type) {
		case mapreduce.Asked:
			reply = e.Reply
		case mapreduce.Submitted:
			reply = e.Reply
		default:
			continue
		}
		if err := f.bus.Desk().Answer(reply, answer); err != nil {
			f.t.Fatal(err)
		}
		msg := <-got
		if msg == nil {
			f.t.Fatalf("%s was never answered", want)
		}
		return msg
	}
}

// stats is what the service says of itself, when so many requests have been counted.
func (f *front) stats(requests int) (stats micro.Stats, of map[string]*micro.EndpointStats) {
	f.t.Helper()
	for ctx := deadline(f.t); ctx.Err() == nil; {
		msg, err := f.conn.RequestWithContext(ctx, "$SRV.STATS.jetreduce", nil)
		if err != nil {
			f.t.Fatal(err)
		}
		stats = micro.Stats{}
		if err := json.Unmarshal(msg.Data, &stats); err != nil {
			f.t.Fatal(err)
		}
		of, found := map[string]*micro.EndpointStats{}, 0
		for _, endpoint := range stats.Endpoints {
			of[endpoint.Name] = endpoint
			found += endpoint.NumRequests
		}
		if found >= requests {
			return stats, of
		}
	}
	f.t.Fatalf("%d requests are never counted", requests)
	return stats, nil
}

// Promise: the service counts what was asked for, what was refused, and how long people waited.
func TestServiceCountsRequestsAndErrors(t *testing.T) {
	t.Parallel()
	f := lead(t, bustest.Start(t, patience))
	f.ask("status", "a", mapreduce.Answer{Status: &mapreduce.Status{ID: "a"}})
	no := f.ask("status", "b", mapreduce.Answer{Error: "there is\nno job", Unknown: true})
	f.ask("submit", `{"id":"c"}`, mapreduce.Answer{Error: "the job names no program"})
	got := no.Header.Get(micro.ErrorHeader) + no.Header.Get(micro.ErrorCodeHeader) + string(no.Data)
	if got != `there is no job404{"error":"there is\nno job"}` {
		t.Errorf("refused with %q", got)
	}
	stats, of := f.stats(3)
	if s := of["status"]; s.NumRequests != 2 || s.NumErrors != 1 || s.LastError != "404:there is no job" || s.ProcessingTime <= 0 {
		t.Errorf("status: %+v", s)
	}
	if s := of["submit"]; s.NumRequests != 1 || s.NumErrors != 1 || s.Subject != "jetreduce.api.submit" || s.QueueGroup != "" {
		t.Errorf("submit: %+v", s)
	}
	if stats.Metadata["prefix"] != "jetreduce" || stats.Metadata["process"] != "host-1" || stats.Metadata["epoch"] == "0" {
		t.Errorf("metadata: %v", stats.Metadata)
	}
}

// The time of a request is that until its answer, whoever gives it and when.
func TestServiceTimesARequestUntilItIsAnswered(t *testing.T) {
	t.Parallel()
	f := lead(t, bustest.Start(t, patience))
	ctx, asked := deadline(t), make(chan struct{})
	go func() {
		_, _ = f.conn.RequestWithContext(ctx, "jetreduce.api.cancel", []byte("a"))
		close(asked)
	}()
	reply := f.awaitAsked(ctx)
	if _, of := f.stats(0); of["cancel"].NumRequests != 0 {
		t.Error("a request is counted before it is answered")
	}
	if err := f.bus.Desk().Answer(reply, mapreduce.Answer{Status: &mapreduce.Status{}}); err != nil {
		t.Fatal(err)
	}
	<-asked
	if _, of := f.stats(1); of["cancel"].NumRequests != 1 || of["cancel"].NumErrors != 0 {
		t.Errorf("%+v", of["cancel"])
	}
}

func (f *front) awaitAsked(ctx context.Context) (reply string) {
	f.t.Helper()
	for {
		event, err := f.feed.Next(ctx)
		if err != nil {
			f.t.Fatal(err)
		}
		if asked, is := event.(mapreduce.Asked); is {
			return asked.Reply
		}
	}
}

// Nothing is left to guess of a request that there is not, or that says too little.
func TestRequestThatThereIsNotIsToldWhatThereIs(t *testing.T) {
	t.Parallel()
	f := lead(t, bustest.Start(t, patience))
	for request, want := range map[string]string{
		"statsu": "with one of submit exec status list workers cancel", "status.a": "ids stand in the body",
		"status": "`nats req jetreduce.api.status ID`",
	} {
		msg, err := f.conn.Request("jetreduce.api."+request, nil, patience)
		if err != nil || msg.Header.Get(micro.ErrorCodeHeader) != "400" || !strings.Contains(msg.Header.Get(micro.ErrorHeader), want) {
			t.Errorf("%s: %+v, %v", request, msg, err)
		}
	}
}

// Promise: a leader that is deposed and does not know it swallows no request: all who lead hear each.
func TestEveryLeaderHearsEachRequest(t *testing.T) {
	t.Parallel()
	s := bustest.Start(t, patience)
	old := lead(t, s)
	b := s.Bus()
	standing, err := b.Sight("p2").Look(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	epoch, err := b.Lease("p2").Acquire(deadline(t), standing.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	next := &front{t, b, b.OpenFeed(bustest.Quiet()), s.Conn()}
	t.Cleanup(next.feed.Close)
	if err := next.feed.Lead(deadline(t), epoch); err != nil {
		t.Fatal(err)
	}
	awaitServices(t, next.conn, 2)
	for range 3 {
		if err := next.conn.PublishRequest("jetreduce.api.list", "_nowhere."+nats.NewInbox(), nil); err != nil {
			t.Fatal(err)
		}
		for _, leader := range []*front{old, next} {
			if err := leader.bus.Desk().Answer(leader.awaitAsked(deadline(t)), mapreduce.Answer{Jobs: &mapreduce.JobList{}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// awaitServices waits until so many services answer.
func awaitServices(t *testing.T, nc *nats.Conn, n int) {
	t.Helper()
	for ctx := deadline(t); ctx.Err() == nil; {
		inbox, answers := nats.NewInbox(), make(chan *nats.Msg, n)
		sub, err := nc.ChanSubscribe(inbox, answers)
		if err == nil {
			err = nc.PublishRequest("$SRV.PING.jetreduce", inbox, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		found := countIn(answers, n)
		_ = sub.Unsubscribe()
		if found == n {
			return
		}
	}
	t.Fatalf("%d services never answered", n)
}

func countIn(answers <-chan *nats.Msg, most int) (n int) {
	limit := time.After(100 * time.Millisecond)
	for ; n < most; n++ {
		select {
		case <-answers:
		case <-limit:
			return n
		}
	}
	return n
}

// A leader that is over gives its name back.
func TestServiceEndsWithItsLeadership(t *testing.T) {
	t.Parallel()
	f := lead(t, bustest.Start(t, patience))
	f.feed.Close()
	for ctx := deadline(t); ; { // the server takes note a moment later
		_, err := f.conn.RequestWithContext(ctx, "$SRV.PING.jetreduce", nil)
		if errors.Is(err, nats.ErrNoResponders) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
