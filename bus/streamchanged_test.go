package bus_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// What a job has listed it reads, or it fails with words that say what is gone.
func TestStreamThatLostMessagesDuringTheJobIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query  string
		config jetstream.StreamConfig
		lose   func(h *history)
		want   string // "": it is read as it was
	}{
		"one deleted":        {lose: func(h *history) { h.delete(17) }, want: "stream ORDERS: message 17 was deleted or expired while the job ran"},
		"the last deleted":   {lose: func(h *history) { h.delete(40) }, want: "message 40 was deleted or expired"},
		"some deleted":       {lose: func(h *history) { h.delete(17, 18, 30, 40) }, want: "messages 17–18 and 2 behind them were deleted or expired"},
		"purged":             {lose: purge(), want: "messages 1–40 were deleted or expired while the job ran: the stream begins at 41 now"},
		"purged in part":     {lose: purge(jetstream.WithPurgeSequence(18)), want: "messages 1–17 were deleted or expired while the job ran: the stream begins at 18"},
		"pushed out":         {lose: limit(39), want: "message 1 was deleted or expired while the job ran: the stream begins at 2 now"},
		"of the filter":      {query: "?subject=orders.eu", lose: func(h *history) { h.delete(17) }, want: "1 of the 20 messages between 1 and 39"},
		"not of the filter":  {query: "?subject=orders.eu", lose: func(h *history) { h.delete(18) }},
		"before the part":    {query: "?since_seq=18", lose: purge(jetstream.WithPurgeSequence(18))},
		"behind the part":    {query: "?until_seq=18", lose: func(h *history) { h.delete(18, 40) }},
		"of a queue":         {config: jetstream.StreamConfig{Retention: jetstream.WorkQueuePolicy}, lose: func(h *history) { h.delete(17) }, want: "message 17"},
		"of a direct queue":  {config: streamKinds["work queue, direct"], lose: func(h *history) { h.delete(17) }, want: "message 17"},
		"all of the filter":  {query: "?subject=orders.eu", lose: purge(jetstream.WithPurgeSubject("orders.eu")), want: "20 of the 20 messages"},
		"made again":         {lose: func(h *history) { h.remake() }, want: "stream ORDERS: it was deleted and made again while the job ran"},
		"deleted altogether": {lose: func(h *history) { h.drop() }, want: "stream ORDERS: it was deleted while the job ran"},
		"appended":           {lose: func(h *history) { h.publish(orders(9, "eu", "us")...) }},
		"appended, filtered": {query: "?subject=orders.eu", lose: func(h *history) { h.publish(orders(9, "eu", "us")...) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := ordersOf(t, c.config)
			h.publish(orders(40, "eu", "us")...)
			was, found := h.lines(c.query), h.list(c.query)
			c.lose(h)
			if len(found) != 1 {
				t.Fatal(found)
			}
			got, err := read(h.ctx, h.inputs.Open, found[0])
			switch {
			case c.want == "" && (err != nil || got != was):
				t.Errorf("%v, %q, want %q", err, got, was)
			case c.want != "" && (!errors.Is(err, mapreduce.ErrInputChanged) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func purge(opts ...jetstream.StreamPurgeOpt) func(h *history) {
	return func(h *history) {
		h.t.Helper()
		if err := h.stream.Purge(h.ctx, opts...); err != nil {
			h.t.Fatal(err)
		}
	}
}

// limit lets the stream push messages out, as one whose messages expire does.
func limit(most int64) func(h *history) {
	return func(h *history) {
		h.t.Helper()
		config := h.stream.CachedInfo().Config
		config.MaxMsgs = most
		if _, err := h.js.UpdateStream(h.ctx, config); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *history) drop() {
	h.t.Helper()
	if err := h.js.DeleteStream(h.ctx, "ORDERS"); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) remake() {
	h.drop()
	h.make(jetstream.StreamConfig{})
	h.publish(orders(40, "eu", "us")...)
}

// A reader that is in the middle of its range notices, too.
func TestStreamPurgedWhileItIsReadIsNamed(t *testing.T) {
	t.Parallel()
	h := ordersOf(t, jetstream.StreamConfig{Storage: jetstream.MemoryStorage})
	payload := make([]byte, 100<<10)
	for range 60 { // more than two pulls bring
		h.publish(&nats.Msg{Subject: "orders.eu", Data: payload})
	}
	found := h.list("")
	content, err := h.inputs.Open(h.ctx, found[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(content.Pour, make([]byte, 150<<10)); err != nil {
		t.Fatal(err)
	}
	purge()(h)
	_, err = io.Copy(io.Discard, content.Pour)
	if !errors.Is(err, mapreduce.ErrInputChanged) || !strings.Contains(err.Error(), "–60 were deleted or expired while the job ran") {
		t.Error(err)
	}
	if err := content.Close(); err != nil {
		t.Error(err)
	}
}

func TestBadStreamURLSaysWhatIsAllowed(t *testing.T) {
	t.Parallel()
	h := ordersOf(t, jetstream.StreamConfig{})
	for input, want := range map[string]string{
		"stream://":                               `use stream://STREAM?subject=`,
		"stream://a.b":                            `names no stream`,
		"stream://ORDERS?sinc=1h":                 `unknown parameter "sinc": did you mean since? use subject, since, until, since_seq, until_seq, as`,
		"stream://ORDERS?from=1h":                 `unknown parameter "from": use subject`,
		"stream://ORDERS?as=jsn":                  `unknown as "jsn": did you mean json? use data, json, subject`,
		"stream://ORDERS?as=data&as=json":         `as is given twice`,
		"stream://ORDERS?since=1h&since_seq=4":    `since and since_seq are given: use one of them`,
		"stream://ORDERS?until=1h&until_seq=4":    `until and until_seq are given`,
		"stream://ORDERS?since=yesterday":         `since "yesterday": use a time like 2026-05-01T12:00:00Z, a date`,
		"stream://ORDERS?since=-1h":               `since "-1h"`,
		"stream://ORDERS?since=20000w":            `since "20000w"`,
		"stream://ORDERS?since_seq=0":             `use a sequence, from 1`,
		"stream://ORDERS?until_seq=x":             `use a sequence`,
		"stream://ORDERS?subject=":                `subject ""`,
		"stream://ORDERS?subject=a..b":            `subject "a..b"`,
		"stream://ORDERS?subject=>.a":             `subject ">.a"`,
		"stream://ORDERS?subject=a.*&subject=*.b": `subjects "a.*" and "*.b" overlap`,
		"stream://ORDERS?subject=%zz":             `invalid URL escape`,
		"stream://ORDRES":                         `no stream ORDRES on this bus`,
		"stream://ORDERS?subject=a b":             `subject "a b"`,
	} {
		_, err := h.inputs.List(h.ctx, input)
		if !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), input) {
			t.Errorf("%s: %v, want %s", input, err, want)
		}
	}
	for _, source := range []mapreduce.Source{
		{Name: "stream://ORDERS"}, {Name: "stream://ORDERS?since_seq=1&until_seq=3", Identity: "7:1-3:3"},
		{Name: "stream://ORDERS?since_seq=1&until_seq=3", Identity: "7:1-2"}, {Name: "x"},
	} {
		if _, err := h.inputs.Open(h.ctx, source); !mapreduce.IsPermanent(err) {
			t.Errorf("%+v: %v", source, err)
		}
	}
}

// Subjects alone are read from headers when payloads are large.
func TestSubjectsOfLargeMessagesComeAlone(t *testing.T) {
	t.Parallel()
	h := ordersOf(t, jetstream.StreamConfig{Storage: jetstream.MemoryStorage})
	for range 20 {
		h.publish(&nats.Msg{Subject: "orders.eu", Data: make([]byte, 200_000)})
	}
	bytes := h.bus.Conn().Stats().InBytes
	h.mustGive("?as=subject", strings.Repeat("orders.eu\n", 20))
	if came := h.bus.Conn().Stats().InBytes - bytes; came > 200_000 {
		t.Errorf("%d bytes came", came)
	}
	h.publish(orders(1, "us")...)
	found := h.list("?subject=orders.eu&as=subject")
	if len(found) != 1 || found[0].Size < 4_000_000 {
		t.Errorf("the size of payloads that did not come counts: %+v", found)
	}
}

// A server may not have all of a replicated stream yet: the leader has, and it is waited for.
func TestReplicatedStreamIsReadThroughTheLossOfItsLeader(t *testing.T) {
	t.Parallel()
	c := bustest.StartBareCluster(t)
	js, err := jetstream.New(c.Conn())
	if err != nil {
		t.Fatal(err)
	}
	h := &history{t: t, ctx: t.Context(), js: js, bus: c.Bus()}
	h.inputs = h.bus.StreamInputs().InSourcesOf(20_000)
	h.make(jetstream.StreamConfig{Replicas: 3, Storage: jetstream.MemoryStorage})
	var want strings.Builder
	for _, msg := range orders(300, "eu", "us") {
		msg.Data = append(msg.Data, strings.Repeat("x", 300)...)
		h.publish(msg)
		want.WriteString(string(msg.Data) + "\n")
	}
	c.AwaitReplicas("ORDERS")
	found := h.list("")
	if len(found) < 2 {
		t.Fatal(found)
	}
	var got strings.Builder
	for i, source := range found {
		if i == 1 {
			c.Kill(c.LeaderOf("ORDERS"))
		}
		text, err := read(h.ctx, h.inputs.Open, source)
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(text)
	}
	if got.String() != want.String() {
		t.Errorf("%d bytes of %d", got.Len(), want.Len())
	}
}

func TestDeliveriesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]bool{
		"$JS.ACK.S.c.1.17.3.99.5":              true,
		"$JS.ACK.hub.hash.S.c.1.17.3.99.5":     true,
		"$JS.ACK.hub.hash.S.c.1.17.3.99.5.abc": true,
		"$JS.ACK.S.c.1.17.3.99":                false,
		"$JS.ACK.S.c.1.x.3.99.5":               false,
		"":                                     false,
	} {
		seq, number, at, known := bus.ReadDelivery(reply)
		if known != want || known && (seq != 17 || number != 3 || at != 99) {
			t.Errorf("%s: %d %d %d %t", reply, seq, number, at, known)
		}
	}
}

func FuzzStreamURL(f *testing.F) {
	f.Add("stream://ORDERS?subject=a.*&since=7d&until=2026-05-01T12:00:00+02:00&as=json")
	f.Add("stream://ORDERS?since_seq=1&until_seq=5&subject=%3E")
	f.Fuzz(func(t *testing.T, text string) {
		if err := bus.CheckStream(text); err != nil && !mapreduce.IsPermanent(err) {
			t.Error(err)
		}
	})
}

func TestFiltersThatCoverOrOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b            string
		covers, overlap bool
	}{
		{"a", "a", true, true}, {"a", "b", false, false}, {"a.*", "a.b", true, true}, {"a.b", "a.*", false, true},
		{"a.>", "a", false, false}, {"a.>", "a.b.c", true, true}, {"a.>", "a.*", true, true}, {"a.*", "a.>", false, true},
		{"*.b", "a.*", false, true}, {">", "a", true, true}, {"*", "a.b", false, false}, {"a.b", "a", false, false},
	} {
		if bus.Covers(c.a, c.b) != c.covers || bus.Overlap(c.a, c.b) != c.overlap || bus.Overlap(c.b, c.a) != c.overlap {
			t.Errorf("%s and %s: covers %t, overlap %t", c.a, c.b, bus.Covers(c.a, c.b), bus.Overlap(c.a, c.b))
		}
	}
}

// A stream is asked for its subjects first, and for its deleted messages after that. What is appended between the two may be of another
// subject.
func TestWhatIsAppendedBetweenTwoLooksIsNotListed(t *testing.T) {
	t.Parallel()
	look := func(created int64, first, last, count uint64) *jetstream.StreamInfo {
		return &jetstream.StreamInfo{Created: time.Unix(created, 0), State: jetstream.StreamState{FirstSeq: first, LastSeq: last, Msgs: count}}
	}
	for name, c := range map[string]struct {
		first, then *jetstream.StreamInfo
		from, to    uint64
	}{
		"nothing happened": {look(1, 3, 9, 5), look(1, 3, 9, 5), 3, 9},
		"appended":         {look(1, 3, 9, 5), look(1, 3, 12, 8), 3, 9},
		"expired":          {look(1, 3, 9, 5), look(1, 7, 12, 6), 7, 9},
		"purged":           {look(1, 3, 9, 5), look(1, 10, 9, 0), 10, 0},
		"was empty":        {look(1, 0, 0, 0), look(1, 1, 4, 4), 1, 0},
	} {
		if from, to, err := bus.WholePart(c.first, c.then); from != c.from || to != c.to || err != nil {
			t.Errorf("%s: %d to %d, want %d to %d, %v", name, from, to, c.from, c.to, err)
		}
	}
	if _, _, err := bus.WholePart(look(1, 3, 9, 5), look(2, 1, 20, 20)); err == nil {
		t.Error("a stream that was made again was taken for the same")
	}
}

// Only the leader's word ends a walk.
func TestServerThatIsLateDoesNotEndTheReadingOfAStream(t *testing.T) {
	t.Parallel()
	h := ordersOf(t, jetstream.StreamConfig{Storage: jetstream.MemoryStorage})
	h.publish(orders(5, "eu")...)
	h.delete(5)
	seqs, resets, err := h.bus.WalkLate(h.ctx, "ORDERS", 3)
	if err != nil || !slices.Equal(seqs, []uint64{1, 2, 3, 4}) || resets < 3 {
		t.Errorf("%v after %d resets, %v", seqs, resets, err)
	}
}
