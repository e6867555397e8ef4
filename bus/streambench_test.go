package bus_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
)

// benchMessages is how many messages of 100 B, on 1000 subjects, BenchmarkStream reads; JETREDUCE_BENCH_MESSAGES is another number.
const benchMessages = 1_000_000

// One reader after the other, on a server of whose disk nothing is waited for.
func BenchmarkStream(b *testing.B) {
	n := benchMessages
	if text := os.Getenv("JETREDUCE_BENCH_MESSAGES"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	for name, config := range map[string]jetstream.StreamConfig{
		"pull": {}, "direct": {Retention: jetstream.WorkQueuePolicy, AllowDirect: true}, "leader": {Retention: jetstream.WorkQueuePolicy},
	} {
		b.Run(name, func(b *testing.B) {
			of := n
			if name == "leader" {
				of = n / 50
			}
			h := benchHistory(b, of, config)
			for _, query := range []string{"", "?as=json", "?as=subject", "?subject=orders.7", "?subject=orders.>"} {
				b.Run("all"+query, func(b *testing.B) { h.bench(b, query, of) })
			}
		})
	}
}

func benchHistory(b *testing.B, n int, config jetstream.StreamConfig) *history {
	b.Helper()
	s, err := server.NewServer(&server.Options{Port: server.RANDOM_PORT, JetStream: true, StoreDir: b.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(func() { stopServer(s) })
	if !s.ReadyForConnections(10 * time.Second) {
		b.Fatal("no server")
	}
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	h := &history{t: b, ctx: context.Background()}
	if h.bus, err = bus.New(nc, ""); err == nil {
		h.js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4000))
	}
	if err != nil {
		b.Fatal(err)
	}
	h.inputs = h.bus.StreamInputs()
	h.make(config)
	payload := make([]byte, 100)
	for i := range n {
		if _, err := h.js.PublishAsync(fmt.Sprintf("orders.%d", i%1000), payload, jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	<-h.js.PublishAsyncComplete()
	return h
}

func (h *history) bench(b *testing.B, query string, n int) {
	var listing time.Duration
	for b.Loop() {
		began := time.Now()
		found := h.list(query)
		listing += time.Since(began)
		for _, source := range found {
			content, err := h.inputs.Open(h.ctx, source)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, content.Pour); err != nil {
				b.Fatal(err)
			}
			if err := content.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(listing.Milliseconds())/float64(b.N), "ms-to-list")
}
