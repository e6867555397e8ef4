package bus_test

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// tableServers are servers that differ in how many messages they store at once.
var tableServers = map[string]func(t *testing.T) (*bus.Bus, jetstream.JetStream){
	"ours": func(t *testing.T) (*bus.Bus, jetstream.JetStream) {
		s := bustest.StartBare(t)
		return s.Bus(), stream(t, s.Bus())
	},
	"theirs": func(t *testing.T) (*bus.Bus, jetstream.JetStream) { return withBatches(t, 0) },
}

// withBatches is a server of somebody else's that stores so many messages at once; 0: as many as it does unasked, 1000.
func withBatches(t *testing.T, limit int) (*bus.Bus, jetstream.JetStream) {
	t.Helper()
	b := busOf(t, startServer(t, server.Options{
		Port: server.RANDOM_PORT, StoreDir: t.TempDir(), JetStreamLimits: server.JSLimitOpts{MaxBatchSize: limit},
	}))
	return b, stream(t, b)
}

func stream(t *testing.T, b *bus.Bus) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(b.Conn())
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// tableTo is a table of rows "prefix-number" and a value.
func tableTo(to string, uid mapreduce.UID, rows int, value string) mapreduce.Table {
	return mapreduce.Table{
		Job: "job", UID: uid, Target: mapreduce.Target{To: to, Force: true}, Count: int64(rows),
		Rows: func(yield func(key, value []byte) error) error {
			for n := range rows {
				data := []byte(value)
				if err := yield(fmt.Appendf(nil, "k%06d", n), data); err != nil {
					return err
				}
				clear(data) // it is good until then
			}
			return nil
		},
	}
}

func tableOf(to string, uid mapreduce.UID, rows ...[2]string) mapreduce.Table {
	table := tableTo(to, uid, len(rows), "")
	table.Rows = func(yield func(key, value []byte) error) error {
		for _, row := range rows {
			if err := yield([]byte(row[0]), []byte(row[1])); err != nil {
				return err
			}
		}
		return nil
	}
	return table
}

// want is what a bucket holds that has just the rows.
func want(t *testing.T, table mapreduce.Table) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := table.Rows(func(key, value []byte) error {
		all[string(key)] = string(value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// look checks a table, when the leader has made its bucket.
func look(ctx context.Context, b *bus.Bus, table mapreduce.Table) (mark string, err error) {
	if err := b.Tables().MakeBucket(ctx, table.UID, table.Target); err != nil {
		return "", err
	}
	return b.Tables().Check(ctx, table)
}

// place checks and publishes a table.
func place(ctx context.Context, b *bus.Bus, table mapreduce.Table) (note string, err error) {
	mark, err := look(ctx, b, table)
	if err != nil {
		return "", err
	}
	return b.Tables().Publish(ctx, table, mark)
}

func mustPlace(ctx context.Context, t *testing.T, b *bus.Bus, table mapreduce.Table) {
	t.Helper()
	if _, err := place(ctx, b, table); err != nil {
		t.Fatal(err)
	}
}

// bucketOf makes a bucket as users do, with these values.
func bucketOf(ctx context.Context, t *testing.T, js jetstream.JetStream, name string, values map[string]string) jetstream.KeyValue {
	t.Helper()
	kv, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: name, History: 5, Description: "mine"})
	for k, v := range values {
		if err == nil {
			_, err = kv.PutString(ctx, k, v)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

// holds is what any NATS client finds in a bucket.
func holds(ctx context.Context, t *testing.T, js jetstream.JetStream, name string) map[string]string {
	t.Helper()
	all := map[string]string{}
	kv, err := js.KeyValue(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watcher.Stop() }()
	for entry := range watcher.Updates() {
		if entry == nil {
			return all
		}
		all[entry.Key()] = string(entry.Value())
	}
	t.Fatal("the watcher ended")
	return nil
}

func checkHolds(ctx context.Context, t *testing.T, js jetstream.JetStream, name string, want map[string]string) {
	t.Helper()
	got := holds(ctx, t, js, name)
	if !maps.Equal(got, want) {
		t.Errorf("bucket %s holds %d keys, want %d: %s", name, len(got), len(want), cmp.Diff(want, got))
	}
}

// checked is the mark that the first attempt has decided by.
func checked(ctx context.Context, t *testing.T, b *bus.Bus, table mapreduce.Table) (mark string) {
	t.Helper()
	mark, err := look(ctx, b, table)
	if err != nil {
		t.Fatal(err)
	}
	return mark
}

func mustPublish(ctx context.Context, t *testing.T, b *bus.Bus, table mapreduce.Table, mark string) {
	t.Helper()
	if _, err := b.Tables().Publish(ctx, table, mark); err != nil {
		t.Fatal(err)
	}
}
