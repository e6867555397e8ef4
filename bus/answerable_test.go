package bus_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// Whoever may ask must not have the coordinator write where only the coordinator may: an answer is a message under its rights.
func TestRequestsAreAnsweredAtInboxesOnly(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	f := lead(t, s)
	places := map[string]string{
		"$KV.jetreduce-state.x": "KV_jetreduce-state", "$KV.jetreduce-commits.x": "KV_jetreduce-commits", "jetreduce.jobs": "JETREDUCE_JOBS",
	}
	for reply := range places {
		for _, request := range []string{"jetreduce.api.status", "jetreduce.api.no-such"} {
			if err := f.conn.PublishRequest(request, reply, []byte("forged")); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.ask("status", "asked", mapreduce.Answer{Error: "no"}) // the first that is handed in; those before it would be answered with it
	if err := f.listens(); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(f.conn)
	if err != nil {
		t.Fatal(err)
	}
	for subject, name := range places {
		stream, err := js.Stream(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if msg, err := stream.GetLastMsgForSubject(ctx, subject); !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Errorf("%s holds %+v, %v", subject, msg, err)
		}
	}
}
