package bus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// On a cluster the bucket stands on three servers, and one of them may die while it is published.
func TestTableSurvivesAServerOfACluster(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	c := bustest.StartBareCluster(t)
	b := c.Bus()
	old := tableTo("kv://B", "u1", 700, "old")
	mustPlace(ctx, t, b, old)
	js := stream(t, b)
	c.AwaitReplicas("KV_B")
	checkHolds(ctx, t, js, "B", want(t, old))

	table := tableTo("kv://B", "u2", 2500, "new")
	mark := checked(ctx, t, b, table)
	mustPublish(ctx, t, b, at(table, 1500, func() error {
		c.Kill(c.LeaderOf("KV_B"))
		return nil
	}), mark)
	checkLeaderHolds(ctx, t, c.Conn(), "B", want(t, table))
	if _, err := b.Tables().Publish(ctx, old, mark); err == nil || !mapreduce.IsPermanent(err) {
		t.Errorf("an older one was published: %v", err)
	}
}

// checkLeaderHolds asks the bucket's leader for each key: a watcher may be served by a server that has yet to hear of the last of them.
func checkLeaderHolds(ctx context.Context, t *testing.T, nc *nats.Conn, name string, want map[string]string) {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, "KV_"+name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for subject := range info.State.Subjects {
		msg, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET.KV_"+name, fmt.Appendf(nil, `{"last_by_subj":%q}`, subject))
		var found struct {
			Message struct{ Data, Hdrs []byte }
		}
		if err == nil {
			err = json.Unmarshal(msg.Data, &found)
		}
		if err != nil {
			t.Fatal(subject, err)
		}
		if !strings.Contains(string(found.Message.Hdrs), "KV-Operation") {
			got[strings.TrimPrefix(subject, "$KV."+name+".")] = string(found.Message.Data)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("bucket %s holds %d keys, want %d: %s", name, len(got), len(want), cmp.Diff(want, got))
	}
}
