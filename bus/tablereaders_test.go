package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

// snapshot is the values of all keys of a bucket at one moment, as its server sees it.
func snapshot(ctx context.Context, nc *nats.Conn, bucket string) (values map[string]int, err error) {
	inbox := nc.NewRespInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sub.Unsubscribe()) }()
	request, err := json.Marshal(map[string]any{"multi_last": []string{"$KV." + bucket + ".>"}})
	if err != nil {
		return nil, err
	}
	if err := nc.PublishRequest("$JS.API.DIRECT.GET.KV_"+bucket, inbox, request); err != nil {
		return nil, err
	}
	for values = map[string]int{}; ; {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil || msg.Header.Get("Status") != "" {
			return values, err
		}
		if msg.Header.Get("KV-Operation") == "" {
			values[string(msg.Data)]++
		}
	}
}

// watch looks at a bucket all the time, until it is stopped.
func watch(ctx context.Context, t *testing.T, b *bus.Bus, bucket string, look func(values map[string]int)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			values, err := snapshot(ctx, b.Conn(), bucket)
			if err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
			if ctx.Err() == nil {
				look(values)
			}
		}
	}()
	return func() { cancel(); <-done }
}

// inMemory makes the bucket B where batches cost little.
func inMemory(ctx context.Context, t *testing.T, js jetstream.JetStream) {
	t.Helper()
	if _, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "B", Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
}

// oldAndNew publishes one table after another, with ever other keys, while somebody reads.
func oldAndNew(t *testing.T, limit int, look func(values map[string]int)) {
	ctx := deadline(t)
	b, js := withBatches(t, limit)
	inMemory(ctx, t, js)
	mustPlace(ctx, t, b, tableTo("kv://B", "u0", 300, "0"))
	stop := watch(ctx, t, b, "B", look)
	for n := 1; n < 5; n++ {
		table := tableTo("kv://B", mapreduce.UID(fmt.Sprint("u", n)), 300+n%2*100, fmt.Sprint(n))
		mustPlace(ctx, t, b, table)
	}
	stop()
}

func TestReadersOfABucketSeeTheOldOrTheNewAsAWhole(t *testing.T) {
	t.Parallel()
	oldAndNew(t, 0, func(values map[string]int) {
		for value, n := range values {
			if len(values) != 1 || n != 300 && n != 400 {
				t.Errorf("a reader saw %d keys with %s, and %v", n, value, values)
			}
		}
		if len(values) == 0 {
			t.Error("a reader saw nothing")
		}
	})
}

// In more steps than one readers may miss keys, but none of the old stands beside the new.
func TestReadersOfABucketReplacedInStepsSeeNoMixture(t *testing.T) {
	t.Parallel()
	oldAndNew(t, 200, func(values map[string]int) {
		if len(values) > 1 {
			t.Errorf("a reader saw %v", values)
		}
	})
}
