package tcp

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"jetreduce/internal/original"
	"jetreduce/mapreduce"
)

func BenchmarkParseReply(b *testing.B) {
	for _, words := range []int{150, 4 << 20} {
		b.Run(fmt.Sprint(words), func(b *testing.B) {
			var counts Histogram
			for i := range words {
				counts = append(counts, Count{fmt.Appendf(nil, "wor%xé", i%7000), 1})
			}
			text := appendReply(nil, mapReply, counts)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var m message
			scratch := make([]byte, len(text))
			for b.Loop() {
				copy(scratch, text)
				must(b, m.parse(scratch))
			}
		})
	}
}

func BenchmarkWriteRequest(b *testing.B) {
	for name, blob := range map[string][]byte{
		"English":    bytes.Repeat([]byte("It was the best of times,\n"), 40),
		"Portuguese": bytes.Repeat([]byte("Não és tu, é a razão.\r\n"), 40),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(blob)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				out = appendMapRequest(out[:0], blob)
			}
		})
	}
}

// nowhere is an output.
type nowhere struct{}

func (nowhere) Emit([]byte, []byte) {}

// BenchmarkMapper has a text mapped over the loopback by our own worker, and by an original one.
func BenchmarkMapper(b *testing.B) {
	text := bytes.Repeat([]byte("It was the best of times, it was the worst of times,\n"), 4000)
	for _, worker := range []string{"ours", "original"} {
		for _, blob := range []int{1024, 65536} {
			b.Run(fmt.Sprint(worker, blob), func(b *testing.B) {
				peers := make(chan *Peer)
				s := newScene(b, Config{Blob: blob, Work: func(ctx context.Context, p *Peer) error {
					peers <- p
					return idle(ctx, p)
				}})
				if worker == "ours" {
					s.running.Go(func() { _ = s.client("1", true).Run(s.ctx) })
				} else {
					s.originals(1, func(*original.Worker) {})
				}
				mapper, err := (<-peers).Program().Mapper(nil)
				must(b, err)
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					must(b, mapper.Map(s.ctx, mapreduce.Batch{Source: "s", Data: text}, nowhere{}))
				}
			})
		}
	}
}
