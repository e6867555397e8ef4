package bus_test

import (
	"testing"

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
	checkHolds(ctx, t, js, "B", want(t, old))
	c.AwaitReplicas("KV_B")

	table := tableTo("kv://B", "u2", 2500, "new")
	mark := checked(ctx, t, b, table)
	mustPublish(ctx, t, b, at(table, 1500, func() error {
		c.Kill(c.LeaderOf("KV_B"))
		return nil
	}), mark)
	checkHolds(ctx, t, js, "B", want(t, table))
	if _, err := b.Tables().Publish(ctx, old, mark); err == nil || !mapreduce.IsPermanent(err) {
		t.Errorf("an older one was published: %v", err)
	}
}
