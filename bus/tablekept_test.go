package bus_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

// refuses checks that a target is refused before the work and before the decision.
func refuses(t *testing.T, b *bus.Bus, to string, says ...string) {
	t.Helper()
	ctx := deadline(t)
	first := b.Tables().Vacant(ctx, "u1", mapreduce.Target{To: to})
	_, then := b.Tables().Check(ctx, tableTo(to, "u1", 3, "v"))
	for _, err := range []error{first, then} {
		mustSay(t, err, says...)
		if !mapreduce.IsPermanent(err) {
			t.Errorf("%s: %v is not permanent", to, err)
		}
	}
}

// takesRows checks that a target is not refused, and has all rows in the end.
func takesRows(t *testing.T, b *bus.Bus, to string) {
	t.Helper()
	ctx := deadline(t)
	if err := b.Tables().Vacant(ctx, "u1", mapreduce.Target{To: to}); err != nil {
		t.Errorf("%s: %v", to, err)
	}
	mustPlace(ctx, t, b, tableTo(to, "u1", 3, "v"))
}

func TestStreamThatMayRefuseHalfTheRowsIsNoOutput(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	config := jetstream.StreamConfig{
		Name: "S", Subjects: []string{"s.>"}, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
	}
	if _, err := js.CreateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"stream://S?subject=s.{key}", "stream://S?subject=s.x"} {
		refuses(t, b, to, "stream S refuses messages of a subject that has 1 (discard new per subject)", "discard_new_per_subject: false")
	}
	bucketOf(ctx, t, js, "table", nil)
	table, err := js.Stream(ctx, "KV_table")
	if err != nil {
		t.Fatal(err)
	}
	strict := table.CachedInfo().Config
	strict.DiscardNewPerSubject = true
	if _, err := js.UpdateStream(ctx, strict); err != nil {
		t.Fatal(err)
	}
	refuses(t, b, "kv://table", "stream KV_table refuses messages of a subject that has 5")
	config.DiscardNewPerSubject, strict.DiscardNewPerSubject = false, false
	for _, lax := range []jetstream.StreamConfig{config, strict} {
		if _, err := js.UpdateStream(ctx, lax); err != nil {
			t.Fatal(err)
		}
	}
	takesRows(t, b, "stream://S?subject=s.{key}")
	takesRows(t, b, "kv://table")
}

func TestStreamThatKeepsOnlyWhatSomebodyWaitsForNeedsAConsumer(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	made, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Retention: jetstream.InterestPolicy})
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, b, "stream://S", "interest retention", "has no consumer", "nats consumer add S", "limits retention")
	if _, err := made.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "waits", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		t.Fatal(err)
	}
	takesRows(t, b, "stream://S")
	info, err := made.Info(ctx)
	if err != nil || info.State.Msgs != 3 {
		t.Errorf("%d messages, want 3: %v", info.State.Msgs, err)
	}
}

func TestSubjectThatAStreamCanNeverTakeIsRefusedBeforeTheWork(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	makeStream(ctx, t, js, "ORDERS", true, "orders.>", "other.*.end", "one")
	for _, subject := range []string{
		"foo.{key}", "foo", "orders", "one.{key}", "other.{key}", "other.{key}.middle", "foo.{key}&dots=keep", "x.{key}", "two",
	} {
		refuses(t, b, "stream://ORDERS?subject="+subject, "stream ORDERS takes no subject ", `only ["orders.>" "other.*.end" "one"]`)
	}
	for _, subject := range []string{
		"orders.{key}", "orders.a.{key}.b", "other.x{key}.end", "one", "orders.x.{key}&dots=keep",
		"{key}.x", "{key}.y.end", "other.{key}&dots=keep", "o{key}&dots=keep", // that is up to the keys
	} {
		err := b.Tables().Vacant(ctx, "u1", mapreduce.Target{To: "stream://ORDERS?subject=" + subject})
		if err != nil {
			t.Error(err)
		}
	}
}
