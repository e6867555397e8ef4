package bus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// history is a stream ORDERS that a test writes, and what a job would read of it.
type history struct {
	t      testing.TB
	ctx    context.Context
	js     jetstream.JetStream
	stream jetstream.Stream
	bus    *bus.Bus
	inputs *bus.StreamInputs
}

// ordersOf makes the stream on a server of its own.
func ordersOf(t testing.TB, config jetstream.StreamConfig) *history {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	s := bustest.StartBare(t)
	h := &history{t: t, ctx: ctx, bus: s.Bus()}
	h.inputs = h.bus.StreamInputs()
	var err error
	if h.js, err = jetstream.New(s.Conn()); err != nil {
		t.Fatal(err)
	}
	h.make(config)
	return h
}

func (h *history) make(config jetstream.StreamConfig) {
	h.t.Helper()
	config.Name, config.Subjects = "ORDERS", []string{"orders.>"}
	var err error
	if h.stream, err = h.js.CreateStream(h.ctx, config); err != nil {
		h.t.Fatal(err)
	}
	if config.Retention == jetstream.InterestPolicy { // nothing is kept that nobody waits for
		_, err := h.stream.CreateConsumer(h.ctx, jetstream.ConsumerConfig{Durable: "waits", AckPolicy: jetstream.AckExplicitPolicy})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *history) publish(msgs ...*nats.Msg) {
	h.t.Helper()
	for _, msg := range msgs {
		if _, err := h.js.PublishMsg(h.ctx, msg); err != nil {
			h.t.Fatal(err)
		}
	}
}

// orders are n messages whose payloads are their sequences, on the subjects in turn.
func orders(n int, subjects ...string) (msgs []*nats.Msg) {
	for i := range n {
		msgs = append(msgs, &nats.Msg{Subject: "orders." + subjects[i%len(subjects)], Data: fmt.Append(nil, i+1)})
	}
	return msgs
}

func (h *history) delete(seqs ...uint64) {
	h.t.Helper()
	for _, seq := range seqs {
		if err := h.stream.DeleteMsg(h.ctx, seq); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *history) list(query string) []mapreduce.Source {
	h.t.Helper()
	found, err := h.inputs.List(h.ctx, "stream://ORDERS"+query)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, source := range found {
		if source.Size < 1 || !source.Whole || source.As == "" || source.Identity == "" {
			h.t.Errorf("source %+v", source)
		}
	}
	return found
}

// read reads a source as a job does.
func read(ctx context.Context, open func(context.Context, mapreduce.Source) (mapreduce.Content, error), source mapreduce.Source) (string, error) {
	content, err := open(ctx, source)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(content.Pour)
	if err == nil {
		err = content.Verify()
	}
	return string(text), errors.Join(err, content.Close())
}

// lines are those of all sources that a query stands for.
func (h *history) lines(query string) string {
	h.t.Helper()
	var all strings.Builder
	for _, source := range h.list(query) {
		text, err := read(h.ctx, h.inputs.Open, source)
		if err != nil {
			h.t.Fatal(source.Name, err)
		}
		all.WriteString(text)
	}
	return all.String()
}

func (h *history) mustGive(query, want string) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.lines(query)); diff != "" {
		h.t.Errorf("%s: %s", query, diff)
	}
}

func TestSubjectsOfAStreamAreFiltered(t *testing.T) {
	t.Parallel()
	h := ordersOf(t, jetstream.StreamConfig{})
	h.mustGive("", "")
	h.publish(orders(1, "eu")...)
	h.mustGive("", "1\n")
	h.publish(orders(9, "eu", "us", "us.ny")...)
	h.delete(3)
	for query, want := range map[string]string{
		"":                                    "1\n1\n3\n4\n5\n6\n7\n8\n9\n",
		"?subject=orders.>":                   "1\n1\n3\n4\n5\n6\n7\n8\n9\n",
		"?subject=%3E":                        "1\n1\n3\n4\n5\n6\n7\n8\n9\n",
		"?subject=orders.us":                  "5\n8\n",
		"?subject=orders.us.*":                "3\n6\n9\n",
		"?subject=orders.*&subject=orders.eu": "1\n1\n4\n5\n7\n8\n",
		"?subject=orders.us&subject=orders.us.ny&as=subject": "orders.us.ny\norders.us\norders.us.ny\norders.us\norders.us.ny\n",
		"?subject=orders.asia":                               "",
		"?since_seq=5&until_seq=7":                           "4\n5\n",
		"?since_seq=3&until_seq=4":                           "",
		"?since_seq=9":                                       "8\n9\n",
		"?since_seq=99":                                      "",
		"?until_seq=1":                                       "",
		"?until_seq=99&since_seq=10":                         "9\n",
		"?since=1h":                                          "1\n1\n3\n4\n5\n6\n7\n8\n9\n",
		"?until=1h":                                          "",
		"?since=2030-01-01":                                  "",
	} {
		h.mustGive(query, want)
	}
	if found := h.list("?since_seq=5&until_seq=7&subject=orders.us&as=json"); len(found) != 1 ||
		found[0].Name != "stream://ORDERS?since_seq=5&until_seq=7&subject=orders.us&as=json" || found[0].As != "stream://ORDERS seq 5–6" {
		t.Error(found)
	}
}

func TestTimesOfAStreamAreThoseOfItsMessages(t *testing.T) {
	t.Parallel()
	h := ordersOf(t, jetstream.StreamConfig{})
	h.publish(orders(5, "eu")...)
	third, err := h.stream.GetMsg(h.ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	at := third.Time.UTC()
	for query, want := range map[string]string{
		"?since=" + at.Format(time.RFC3339Nano):                                                                          "3\n4\n5\n",
		"?until=" + at.Format(time.RFC3339Nano):                                                                          "1\n2\n",
		"?since=" + at.Add(1).In(time.FixedZone("", 7200)).Format(time.RFC3339Nano):                                      "4\n5\n",
		"?since=" + at.Format(time.RFC3339Nano) + "&until=" + at.Add(1).Format(time.RFC3339Nano):                         "3\n",
		"?since=" + at.Format(time.RFC3339Nano) + "&until_seq=5":                                                         "3\n4\n",
		"?since=7d&until=" + at.Add(24*time.Hour).Format(time.DateOnly):                                                  "1\n2\n3\n4\n5\n",
		"?until=" + at.Format(time.DateOnly):                                                                             "",
		"?since=" + at.Format(time.RFC3339Nano) + "&until=" + at.Add(-time.Second).Format(time.RFC3339Nano) + "&as=json": "",
	} {
		h.mustGive(query, want)
	}
}

func TestMessagesAreLinesOfAllThatTheyAre(t *testing.T) {
	t.Parallel()
	for name, config := range streamKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := ordersOf(t, config)
			big := strings.Repeat("x", 1<<20-200)
			h.publish(
				&nats.Msg{Subject: "orders.a", Data: []byte("one\ntwo\n")},
				&nats.Msg{Subject: "orders.b", Data: []byte("\xff\x00"), Header: nats.Header{"Kind": {"new", "old"}, "at": {"é \""}}},
				&nats.Msg{Subject: "orders.c"},
				&nats.Msg{Subject: "orders.d", Data: []byte(big)},
				&nats.Msg{Subject: "orders.e", Data: []byte("end\r\n"), Header: nats.Header{"Nats-Subject": {"mine"}, "Status": {"404"}}},
			)
			h.mustGive("", "one\ntwo\n\xff\x00\n\n"+big+"\nend\r\n")
			h.mustGive("?as=data&subject=orders.*", "one\ntwo\n\xff\x00\n\n"+big+"\nend\r\n")
			h.mustGive("?as=subject", "orders.a\norders.b\norders.c\norders.d\norders.e\n")
			want := []mapreduce.Message{
				{Seq: 1, Subject: "orders.a", Data: []byte("one\ntwo\n")},
				{Seq: 2, Subject: "orders.b", Data: []byte("\xff\x00"), Headers: map[string][]string{"Kind": {"new", "old"}, "at": {"é \""}}},
				{Seq: 3, Subject: "orders.c"},
				{Seq: 4, Subject: "orders.d", Data: []byte(big)},
				{Seq: 5, Subject: "orders.e", Data: []byte("end\r\n"), Headers: map[string][]string{"Nats-Subject": {"mine"}, "Status": {"404"}}},
			}
			for i, line := range strings.Split(strings.TrimSuffix(h.lines("?as=json"), "\n"), "\n") {
				got, err := mapreduce.ParseMessage([]byte(line))
				if err != nil {
					t.Fatal(err)
				}
				msg, err := h.stream.GetMsg(h.ctx, uint64(i+1))
				if err != nil {
					t.Fatal(err)
				}
				want[i].Stream, want[i].Time = "ORDERS", msg.Time
				if !reflect.DeepEqual(want[i], got) { // a difference of megabytes takes cmp seconds
					t.Errorf("message %d is %.200q, want %.200q", i+1, fmt.Sprint(got), fmt.Sprint(want[i]))
				}
			}
		})
	}
}

// streamKinds are streams that are read in different ways.
var streamKinds = map[string]jetstream.StreamConfig{
	"file":                {},
	"memory":              {Storage: jetstream.MemoryStorage},
	"direct":              {AllowDirect: true},
	"work queue":          {Retention: jetstream.WorkQueuePolicy},
	"work queue, direct":  {Retention: jetstream.WorkQueuePolicy, AllowDirect: true},
	"interest":            {Retention: jetstream.InterestPolicy},
	"interest, direct":    {Retention: jetstream.InterestPolicy, AllowDirect: true, Storage: jetstream.MemoryStorage},
	"one a subject":       {MaxMsgsPerSubject: 1},
	"no consumer allowed": {MaxConsumers: 1, AllowDirect: true},
}

// All sources together give each message of the stream once, in order, whatever was deleted, and leave the stream as it was.
func TestSourcesOfAStreamAreAllOfItInOrder(t *testing.T) {
	t.Parallel()
	for name, config := range streamKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, random := ordersOf(t, config), rand.New(rand.NewPCG(7, 7))
			if config.MaxConsumers == 1 {
				if _, err := h.stream.CreateConsumer(h.ctx, jetstream.ConsumerConfig{Durable: "only"}); err != nil {
					t.Fatal(err)
				}
			}
			there := map[uint64]*nats.Msg{}
			last := map[string]uint64{}
			for i, msg := range orders(120, "eu", "us", "asia.in", "asia.cn", "eu") {
				if config.MaxMsgsPerSubject == 1 {
					delete(there, last[msg.Subject])
				}
				h.publish(msg)
				seq := uint64(i + 1)
				if there[seq], last[msg.Subject] = msg, seq; i > 10 && random.IntN(5) == 0 && there[seq-7] != nil {
					h.delete(seq - 7)
					delete(there, seq-7)
				}
			}
			before, err := h.stream.Info(h.ctx)
			if err != nil {
				t.Fatal(err)
			}
			for query, filters := range map[string][]string{
				"": {">"}, "?subject=orders.eu": {"orders.eu"}, "?subject=orders.*&subject=orders.asia.cn": {"orders.*", "orders.asia.cn"},
			} {
				var want strings.Builder
				for seq := range uint64(121) {
					for _, filter := range filters {
						if msg := there[seq]; msg != nil && bus.Covers(filter, msg.Subject) {
							want.WriteString(string(msg.Data) + "\n")
						}
					}
				}
				for _, each := range []uint64{1, 300, 1 << 20} {
					h.inputs = h.bus.StreamInputs().InSourcesOf(each)
					h.mustGive(query, want.String())
				}
			}
			after, err := h.stream.Info(h.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before.State, after.State); diff != "" {
				t.Error("reading left a trace:", diff)
			}
		})
	}
}

func TestFilterThatTakesOneInAThousand(t *testing.T) {
	t.Parallel()
	h := ordersOf(t, jetstream.StreamConfig{})
	const n = 10_000
	for i := range n {
		if _, err := h.js.PublishAsync(fmt.Sprintf("orders.%d", i%1000), fmt.Append(nil, i), jetstream.WithStallWait(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	<-h.js.PublishAsyncComplete()
	var want strings.Builder
	for i := 7; i < n; i += 1000 {
		fmt.Fprintln(&want, i)
	}
	bytes := h.bus.Conn().Stats().InBytes
	h.mustGive("?subject=orders.7", want.String())
	if came := h.bus.Conn().Stats().InBytes - bytes; came > 50_000 {
		t.Errorf("%d bytes came for %d of %d messages", came, n/1000, n)
	}
}

func TestStreamThatIsMuchIsCutIntoSourcesAlike(t *testing.T) {
	t.Parallel()
	h := ordersOf(t, jetstream.StreamConfig{})
	h.publish(orders(1000, "eu", "us")...)
	for query, want := range map[string]int{"": 10, "?subject=orders.eu": 5} {
		state, err := h.stream.Info(h.ctx)
		if err != nil {
			t.Fatal(err)
		}
		h.inputs = h.bus.StreamInputs().InSourcesOf(state.State.Bytes / 10)
		if got := len(h.list(query)); got < want || got > want*4 {
			t.Errorf("%q: %d sources, want about %d", query, got, want)
		}
	}
	h.inputs = h.bus.StreamInputs().InSourcesOf(1)
	if got := len(h.list("")); got != 1000 {
		t.Errorf("%d sources of a message each, want 1000", got)
	}
}
