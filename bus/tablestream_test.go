package bus_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

func makeStream(ctx context.Context, t *testing.T, js jetstream.JetStream, name string, batches bool, subjects ...string) {
	t.Helper()
	_, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: name, Subjects: subjects, AllowAtomicPublish: batches, Discard: jetstream.DiscardNew, AllowDirect: true,
		Storage: jetstream.MemoryStorage, // of a file each batch is a file
	})
	if err != nil {
		t.Fatal(err)
	}
}

// streamed is all messages of a stream.
func streamed(ctx context.Context, t *testing.T, js jetstream.JetStream, name string) (all []*nats.Msg) {
	t.Helper()
	found, err := js.Stream(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	if found.CachedInfo().State.Msgs == 0 {
		return nil
	}
	reader, err := js.OrderedConsumer(ctx, name, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := reader.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	for range found.CachedInfo().State.Msgs {
		msg, err := messages.Next()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &nats.Msg{Subject: msg.Subject(), Header: msg.Headers(), Data: msg.Data()})
	}
	return all
}

func TestStreamGetsEachRowOnceAndInOrder(t *testing.T) {
	t.Parallel()
	for _, batches := range []bool{true, false} {
		for _, rows := range []int{0, 1, 1000, 1001, manyRows} {
			t.Run(fmt.Sprint(batches, rows), func(t *testing.T) {
				t.Parallel()
				ctx := deadline(t)
				b, js := withBatches(t, 0)
				makeStream(ctx, t, js, "S", batches, "s.>")
				if _, err := js.Publish(ctx, "s.other", nil); err != nil {
					t.Fatal(err)
				}
				table := tableTo("stream://S?subject=s.{key}", "u1", rows, "v")
				mustPlace(ctx, t, b, table)
				all := streamed(ctx, t, js, "S")[1:]
				if len(all) != rows {
					t.Fatalf("%d messages, want %d", len(all), rows)
				}
				for i, msg := range all {
					checkRow(t, msg, i, rows)
				}
			})
		}
	}
}

// checkRow compares the message of a row of tableTo, into subject=s.{key}.
func checkRow(t *testing.T, msg *nats.Msg, i, rows int) {
	t.Helper()
	k := fmt.Sprintf("k%06d", i)
	last := map[bool]string{true: "true"}[i == rows-1]
	var got []string
	for _, name := range []string{"Key", "Row", "Last", "Job", "Uid"} {
		got = append(got, msg.Header.Get("Jetreduce-"+name))
	}
	got = append(got, msg.Header.Get("Nats-Msg-Id"), msg.Subject, string(msg.Data))
	want := []string{k, fmt.Sprintf("%d/%d", i+1, rows), last, "job", "u1", fmt.Sprintf("u1.%d", i+1), "s." + k, "v"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

// interrupted has something happen at two rows of each of the first three tries.
func interrupted(table mapreduce.Table, tries *int, happens func() error) mapreduce.Table {
	busy := table
	busy.Rows = func(yield func(key, value []byte) error) error {
		*tries++
		count := 0
		return table.Rows(func(key, value []byte) error {
			if count++; *tries < 4 && (count == 1 || count == 60**tries) {
				if err := happens(); err != nil {
					return err
				}
			}
			return yield(key, value)
		})
	}
	return busy
}

// Others write to the stream meanwhile: the rows go between what they write.
func TestRowsGoBetweenWhatOthersWrite(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, found := readyPlaces(ctx, t)
	for to, subject := range map[string]string{tablePlaces[1]: "out.theirs", tablePlaces[2]: "single"} {
		table, tries := tableTo(to, "u1", 300, "v"), 0
		mark := checked(ctx, t, b, table)
		mustPublish(ctx, t, b, interrupted(table, &tries, func() error {
			_, err := stream(t, b).Publish(ctx, subject, nil)
			return err
		}), mark)
		if got := found(to); len(got) != 300 || tries < 2 {
			t.Errorf("%s: %d rows, %d tries", to, len(got), tries)
		}
	}
}

// rowsOf is the subjects and keys of a submission's rows.
func rowsOf(all []*nats.Msg, uid mapreduce.UID) (subjects, keys []string) {
	for _, msg := range all {
		if msg.Header.Get("Jetreduce-Uid") == string(uid) {
			subjects, keys = append(subjects, msg.Subject), append(keys, msg.Header.Get("Jetreduce-Key"))
		}
	}
	return subjects, keys
}

func TestSubjectsOfRows(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	makeStream(ctx, t, js, "S", true, "s.>", "t")
	makeStream(ctx, t, js, "one", false, "only")
	rows := [][2]string{{"", "1"}, {"a.b", "2"}, {"*", "3"}, {" é\n", "4"}}
	for to, want := range map[string][]string{
		"stream://one":                           {"only", "only", "only", "only"},
		"stream://S?subject=t":                   {"t", "t", "t", "t"},
		"stream://S?subject=s.{key}":             {"s.=", "s.a=2Eb", "s.=2A", "s.=20=C3=A9=0A"},
		"stream://S?subject=s.{key}.x&dots=keep": {"s.=.x", "s.a.b.x", "s.=2A.x", "s.=20=C3=A9=0A.x"},
	} {
		uid := mapreduce.UID(fmt.Sprint(len(to)))
		mustPlace(ctx, t, b, tableOf(to, uid, rows...))
		name, _, _ := strings.Cut(to[len("stream://"):], "?")
		subjects, keys := rowsOf(streamed(ctx, t, js, name), uid)
		if diff := cmp.Diff(want, subjects); diff != "" {
			t.Errorf("%s: %s", to, diff)
		}
		if diff := cmp.Diff([]string{"", "a.b", "*", "base64:IMOpCg=="}, keys); diff != "" {
			t.Errorf("%s: %s", to, diff)
		}
	}
}

// badStreams are targets that take no ten rows, and what is said of them.
var badStreams = map[string][]string{
	"stream://gone":                {"no stream gone", "make it first"},
	"stream://S":                   {`["s.>" "t"]`, "?subject="},
	"stream://S?subject=s.*":       {`"s.*"`, "{key}"},
	"stream://S?subject=s.{k}":     {`"s.{k}"`},
	"stream://S?subject=u":         {"stream S takes no subject u"},
	"stream://S?subject=t&as=xml":  {`"xml"`, "value or json"},
	"stream://S?subject=t&keys=no": {`"keys"`, "as, dots, subject"},
	"stream://few":                 {"needs 10 messages", "may have 5"},
	"stream://small":               {"bytes", "may have 500"},
	"stream://short":               {"max_msg_size"},
	"stream://mute":                {"mute cannot be written"},
	"stream://each":                {"each keeps 2 messages", "{key}"},
}

func TestRowsThatAStreamCannotTakeAreRefusedBeforeTheDecision(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	makeStream(ctx, t, js, "S", true, "s.>", "t")
	for _, config := range []jetstream.StreamConfig{
		{Name: "few", Subjects: []string{"few"}, MaxMsgs: 5},
		{Name: "small", Subjects: []string{"small"}, MaxBytes: 500, Discard: jetstream.DiscardNew},
		{Name: "short", Subjects: []string{"short"}, MaxMsgSize: 20}, {Name: "mute", Subjects: []string{"mute"}, NoAck: true},
		{Name: "each", Subjects: []string{"each"}, MaxMsgsPerSubject: 2},
	} {
		if _, err := js.CreateStream(ctx, config); err != nil {
			t.Fatal(err)
		}
	}
	for to, says := range badStreams {
		_, err := b.Tables().Check(ctx, tableTo(to, "u1", 10, "v"))
		mustSay(t, err, says...)
		if !mapreduce.IsPermanent(err) {
			t.Errorf("%s: %v is not permanent", to, err)
		}
	}
	mustSay(t, b.Tables().Vacant(ctx, "u", mapreduce.Target{To: "stream://gone"}), "make it first")
}

// Where rows were taken away again nobody can tell which were there: none is published twice.
func TestRowsThatWereTakenAwayAreNotPublishedAgain(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	for _, batches := range []bool{true, false} {
		name := fmt.Sprint("S", batches)
		makeStream(ctx, t, js, name, batches, name)
		table := tableTo("stream://"+name, "u1", 10, "v")
		mark := checked(ctx, t, b, table)
		mustPublish(ctx, t, b, table, mark)
		found, err := js.Stream(ctx, name)
		if err == nil {
			err = found.Purge(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Tables().Publish(ctx, table, mark)
		mustSay(t, err, "is gone again")
		if all := streamed(ctx, t, js, name); len(all) > 0 {
			t.Errorf("%d messages", len(all))
		}
	}
}
