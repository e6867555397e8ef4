package permissiontest_test

import (
	"testing"

	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// Whoever asks says where the answer goes. When there are more answers than a server lets one give, it denies them to the leader: by a
// subject that the asker has chosen, so that it looks like what the leader waits for. That once ended each coordinator.
func TestWhoAsksInOddPlacesEndsNoCoordinator(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := newStage(t)
	w := &world{stage: s}
	end := w.lead(ctx, "first")
	defer end() // it fails when the coordinator has ended by itself
	w.led(ctx)
	nc, desk := s.as("observer"), w.bus("observer").Desk()
	for range 20 { // it hears of denials beside what it does
		ask40(t, nc)
		if _, err := desk.List(ctx); err != nil {
			t.Fatalf("afterwards nobody answers: %v", err)
		}
	}
}

// ask40 asks for lists, to be sent where whoever leads waits for other things.
func ask40(t *testing.T, nc *nats.Conn) {
	t.Helper()
	for range 40 {
		for _, stream := range []string{"KV_jetreduce-commits", "KV_jetreduce-state", "JETREDUCE_JOBS"} {
			reply := "_x.CONSUMER.MSG.NEXT." + stream
			if err := nc.PublishRequest("jetreduce.api."+string(mapreduce.WantList), reply, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}
