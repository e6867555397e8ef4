package bus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// went is how a job went that has ended.
func went(uid mapreduce.UID, tasks int) mapreduce.Timeline {
	return mapreduce.Timeline{
		Job:    mapreduce.Status{ID: "count", UID: uid, State: mapreduce.Done},
		Phases: []mapreduce.PhaseTimes{{Phase: mapreduce.Map, Tasks: tasks, Done: tasks}},
	}
}

// knows has a leader on the bus that knows of one job, whose tasks it has forgotten.
func knows(t *testing.T, s *bustest.Server, status mapreduce.Status) {
	t.Helper()
	nc := s.Conn()
	text, err := json.Marshal(mapreduce.Timeline{Job: status})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Subscribe("jetreduce.api.timeline", func(msg *nats.Msg) { _ = msg.Respond(text) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestTimelineOfAnEndedJobIsPutTogether(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := bustest.Start(t, time.Minute)
	b := s.Bus()
	knows(t, s, mapreduce.Status{ID: "count", UID: "u1", State: mapreduce.Done, Epoch: 9})
	tasks := func(want string) {
		t.Helper()
		got, err := b.Desk().Timeline(ctx, "count")
		text := fmt.Sprint(len(got.Phases))
		if len(got.Phases) == 1 {
			text = fmt.Sprintf("%d maps", got.Phases[0].Tasks)
		}
		if err != nil || text != want || got.Job.Epoch != 9 {
			t.Errorf("%s, epoch %d, want %s: %v", text, got.Job.Epoch, want, err)
		}
	}
	tasks("0")
	for _, tried := range []mapreduce.Timeline{went("u2", 7), went("u1", 3), went("u1", 5)} { // the last is of a leader that was deposed
		if err := b.History().KeepTimeline(ctx, tried); err != nil {
			t.Fatal(err)
		}
	}
	tasks("3 maps")
	for range 2 {
		if err := b.History().DropTimeline(ctx, "u1"); err != nil {
			t.Fatal(err)
		}
	}
	tasks("0")
}

// It is no state: without it everything goes on, and where a job stands is known.
func TestHistoryThatIsGoneIsMissedByNobody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := bustest.Start(t, time.Minute)
	b := s.Bus()
	js, err := jetstream.New(s.Conn())
	if err == nil {
		err = js.DeleteStream(ctx, "JETREDUCE_HISTORY")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(ctx); err != nil {
		t.Errorf("the bus is not taken for set up: %v", err)
	}
	if err := b.History().KeepTimeline(ctx, went("u1", 3)); err == nil {
		t.Error("it is kept, and there is no place for it")
	}
	if err := b.History().DropTimeline(ctx, "u1"); err != nil {
		t.Errorf("drop what is not there: %v", err)
	}
	knows(t, s, mapreduce.Status{ID: "count", UID: "u1", State: mapreduce.Failed})
	if got, err := b.Desk().Timeline(ctx, "count"); err != nil || got.Job.State != mapreduce.Failed {
		t.Errorf("%+v: %v", got, err)
	}
}

func TestHistoryForgetsWhatIsOldestInsteadOfFillingTheBus(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := bustest.Start(t, time.Minute)
	js, err := jetstream.New(s.Conn())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, "JETREDUCE_HISTORY")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 1001 {
		if _, err := js.PublishAsync(fmt.Sprintf("jetreduce.history.u%d", n), []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		t.Fatal("no answer")
	}
	info, err := stream.Info(ctx)
	if err != nil || info.State.Msgs != 1000 || info.State.FirstSeq != 2 {
		t.Errorf("%+v: %v", info.State, err)
	}
	c := info.Config
	if most := c.MaxMsgs * int64(c.MaxMsgSize); most > 256<<20 || c.MaxBytes > 0 || c.MaxAge <= 0 || !c.AllowDirect {
		t.Errorf("it may hold %d bytes, %d of them reserved, for %s", most, c.MaxBytes, c.MaxAge)
	}
	large := went("large", 1)
	large.Attempts = []mapreduce.AttemptTime{{Reason: strings.Repeat("x", mapreduce.MaxMessage)}}
	if err := s.Bus().History().KeepTimeline(ctx, large); err == nil {
		t.Error("a timeline is kept that is larger than a message may be")
	}
}

// That an account has no room for one more stream keeps nobody from working.
func TestSetUpGoesOnWithoutAHistory(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := bustest.StartBare(t)
	js, err := jetstream.New(s.Conn())
	if err == nil { // its subjects are taken
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"jetreduce.history.>"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	if err := s.Bus().SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{bustest.Class}, Log: log}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "how jobs went will not be kept") {
		t.Errorf("said: %s", said.String())
	}
}
