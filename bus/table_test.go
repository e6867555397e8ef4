package bus_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

func TestBucketHoldsJustTheRows(t *testing.T) {
	t.Parallel()
	old := map[string]string{"old": "1", "k000000": "2", "other.key": "3"}
	for server, start := range tableServers {
		for _, rows := range []int{0, 1, 998, 999, 1000, 1001, manyRows} {
			t.Run(fmt.Sprint(server, rows), func(t *testing.T) {
				t.Parallel()
				ctx := deadline(t)
				b, js := start(t)
				bucketOf(ctx, t, js, "B", old)
				for name, existed := range map[string]int{"B": 2, "new": 0} { // the keys that go
					table := tableTo("kv://"+name, "u1", rows, "new")
					note, err := place(ctx, b, table)
					if err != nil {
						t.Fatal(err)
					}
					checkHolds(ctx, t, js, name, want(t, table))
					if rows > 0 && (note == "") != (server == "ours" || rows+existed <= 1000) {
						t.Errorf("%d rows and %d keys that go: the note is %q", rows, existed, note)
					}
				}
			})
		}
	}
}

// What does not fit into the memory for one batch goes in several, and is said.
func TestLargeValuesGoInSteps(t *testing.T) {
	if slow {
		t.Skip("80 MB take a minute with the race detector")
	}
	t.Parallel()
	ctx := deadline(t)
	b, js := tableServers["ours"](t)
	table := tableTo("kv://B", "u1", 200, strings.Repeat("x", 400<<10))
	note, err := place(ctx, b, table)
	if err != nil || note == "" {
		t.Errorf("note %q, %v", note, err)
	}
	checkHolds(ctx, t, js, "B", want(t, table))
}

func TestOptionsOfABucketStay(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	kv := bucketOf(ctx, t, js, "B", map[string]string{"a": "1"})
	config := func() jetstream.StreamConfig {
		found, err := js.Stream(ctx, "KV_B")
		if err != nil {
			t.Fatal(err)
		}
		config := found.CachedInfo().Config
		config.Metadata = nil // the server's own words
		return config
	}
	before := config()
	before.AllowAtomicPublish = true
	table := tableOf("kv://B", "u1", [2]string{"a", "2"})
	mark := checked(ctx, t, b, table)
	if diff := cmp.Diff(before, config()); diff != "" {
		t.Error(diff)
	}
	mustPublish(ctx, t, b, table, mark)
	if history, err := kv.History(ctx, "a"); err != nil || len(history) != 2 {
		t.Errorf("%d revisions of a, %v", len(history), err)
	}
}

// Whoever has set the options of a bucket anew has cleared the one that it takes batches by.
func TestBucketThatForgotBatchesIsToldAgain(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	table := tableTo("kv://B", "u1", 10, "v")
	mark := checked(ctx, t, b, table)
	if _, err := js.UpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "B", History: 1, LimitMarkerTTL: 1e9}); err != nil {
		t.Fatal(err)
	}
	mustPublish(ctx, t, b, table, mark)
	checkHolds(ctx, t, js, "B", want(t, table))
}

func TestBucketWithKeysIsRefusedUnlessForced(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	kv := bucketOf(ctx, t, js, "B", map[string]string{"a": "1", "b": "2", "c": "3"})
	if err := kv.Delete(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	table := tableTo("kv://B", "u1", 3, "v")
	table.Target.Force = false
	_, err := look(ctx, b, table)
	for _, err := range []error{err, b.Tables().Vacant(ctx, "", table.Target)} {
		mustSay(t, err, "kv://B has 2 keys", "--force")
		if !mapreduce.IsPermanent(err) {
			t.Errorf("%v is not permanent", err)
		}
	}
}

// Whoever may submit a job must not write what all jobs live by.
func TestOwnBucketsAndStreamsAreNoOutput(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := bustest.Start(t, patience)
	for _, to := range []string{
		"kv://jetreduce-state", "kv://jetreduce-commits", "stream://KV_jetreduce-state?subject=$KV.jetreduce-state.epoch",
		"stream://JETREDUCE_JOBS", "stream://JETREDUCE_TASKS?subject=jetreduce.tasks.default.exec",
		"stream://OBJ_jetreduce-out?subject=$O.jetreduce-out.M.x",
	} {
		table, tables := tableTo(to, "u1", 1, "v"), s.Bus().Tables()
		_, checked := tables.Check(ctx, table)
		_, published := tables.Publish(ctx, table, "1.1")
		for _, err := range []error{checked, published, tables.Vacant(ctx, "u1", table.Target)} {
			if mustSay(t, err, "jetreduce's own"); !mapreduce.IsPermanent(err) {
				t.Errorf("%s: %v is not permanent", to, err)
			}
		}
	}
}

func TestBucketWithoutKeysAndWithItsOwnRowsIsVacant(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	kv := bucketOf(ctx, t, js, "B", map[string]string{"a": "1"})
	if err := kv.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	table := tableTo("kv://B", "u1", 3, "v")
	table.Target.Force = false
	mustPlace(ctx, t, b, table)
	mustPlace(ctx, t, b, table) // its own
	checkHolds(ctx, t, js, "B", want(t, table))
	table.UID = "u2"
	if _, err := place(ctx, b, table); err == nil {
		t.Error("another submission's keys were replaced")
	}
}

// badRows are tables that no bucket takes, and what is said of them.
var badRows = map[string]struct {
	rows [][2]string
	says []string
}{
	"kv://B":             {[][2]string{{"a", ""}, {"two words", ""}}, []string{`"two words"`, "escape", "base64"}},
	"kv://B?keys=plain":  {[][2]string{{".a", ""}}, []string{`".a"`}},
	"kv://B?":            {[][2]string{{"", ""}}, []string{`""`}},
	"kv://B?keys=escape": {[][2]string{{"x", ""}, {"x", ""}}, []string{"two rows", `"x"`}},
	"kv://B?keys=base64": {[][2]string{{"x", ""}, {"a", ""}, {"x", ""}}, []string{"two rows", `"x"`}},
	"kv://B/":            {[][2]string{{"big", strings.Repeat("x", 1<<20)}}, []string{`"big"`, "max_payload"}},
	"kv://B?keys=hex":    {nil, []string{"hex", "plain or escape or base64"}},
	"kv://B?key=plain":   {nil, []string{`"key"`, "keys"}},
}

func TestRowsThatABucketCannotHoldAreRefusedBeforeTheDecision(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	old := map[string]string{"a": "1"}
	bucketOf(ctx, t, js, "B", old)
	for to, c := range badRows {
		_, err := look(ctx, b, tableOf(to, "u1", c.rows...))
		mustSay(t, err, c.says...)
		if !mapreduce.IsPermanent(err) {
			t.Errorf("%s: %v is not permanent", to, err)
		}
	}
	checkHolds(ctx, t, js, "B", old)
}

func TestBucketWithoutRoomIsRefusedBeforeTheDecision(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	if _, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "B", MaxBytes: 100_000}); err != nil {
		t.Fatal(err)
	}
	_, err := look(ctx, b, tableTo("kv://B", "u1", 2000, "v"))
	if !errors.Is(err, mapreduce.ErrNoRoom) || !mapreduce.IsPermanent(err) {
		t.Errorf("%v", err)
	}
	table := tableTo("kv://B", "u2", 100, "v")
	mustPlace(ctx, t, b, table)
	checkHolds(ctx, t, js, "B", want(t, table))
}

func TestBucketIsWrittenInAnyNaming(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	rows := [][2]string{{"", "1"}, {".a..b.", "2"}, {"é=", "3"}, {"x y", "4"}}
	mustPlace(ctx, t, b, tableOf("kv://E?keys=escape", "u1", rows...))
	checkHolds(ctx, t, js, "E", map[string]string{"=": "1", "=2Ea.=2Eb=2E": "2", "=C3=A9=3D": "3", "x=20y": "4"})
	mustPlace(ctx, t, b, tableOf("kv://F?keys=base64", "u1", rows...))
	checkHolds(ctx, t, js, "F", map[string]string{"=": "1", "LmEuLmIu": "2", "w6k9": "3", "eCB5": "4"})
	if kv, err := js.KeyValue(ctx, "E"); err != nil {
		t.Error(err)
	} else if entry, err := kv.Get(ctx, "x=20y"); err != nil || string(entry.Value()) != "4" {
		t.Errorf("%v %v", entry, err)
	}
}
