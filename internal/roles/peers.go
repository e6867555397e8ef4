package roles

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"jetreduce/bus"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/tcp"
	"jetreduce/worker"
)

// Peers lets peers of the original protocol work on a bus: each that registers is a worker of one slot, whose maps and reduces
// it does.
//
//	peer ── connection ──▶ tcp.Server ──▶ worker of one slot ──▶ bus
type Peers struct {
	Bus     *bus.Bus
	Log     *slog.Logger
	Memory  int64  // bytes for sorting and grouping; each peer has a part
	Scratch string // directory for spills
	Blob    int    // characters of a map request
	Program mapreduce.Program
}

// Server is a server of such peers.
func (p Peers) Server() *tcp.Server {
	return tcp.New(tcp.Config{Log: p.Log, Blob: p.Blob, Program: p.Program, OrderKey: OriginalOrder(), Work: p.work})
}

// Serve serves such peers at an address until ctx ends. Somebody else may have it: it is waited for.
func (p Peers) Serve(ctx context.Context, addr string) {
	for said := false; ctx.Err() == nil; pause(ctx, listenAgain) {
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			if !said {
				p.Log.Warn("original workers cannot connect yet", "addr", addr, "cause", err)
			}
			said = true
			continue
		}
		WarnOfStrangers(p.Log, listener.Addr())
		if err := p.Server().Run(ctx, listener); err != nil {
			p.Log.Warn("original workers are not served any more", "addr", addr, "cause", err)
		}
	}
}

// listenAgain is how long an address that is taken is left in peace.
const listenAgain = 500 * time.Millisecond

// WarnOfStrangers says what it means to listen at an address that others than this machine reach.
func WarnOfStrangers(log *slog.Logger, addr net.Addr) {
	log.Info("serves original workers", "addr", addr)
	if tcp, is := addr.(*net.TCPAddr); is && !tcp.IP.IsLoopback() {
		log.Warn("the original protocol has no authentication: whoever reaches this address may work, and reads the text", "addr", addr)
	}
}

// What a peer's worker may take of the memory: as if there were so many, and enough to work with.
const (
	manyPeers   = 16
	leastMemory = 16 << 20
)

// work is the life of a peer's worker. It ends with the connection, and hands back what the peer has not finished.
func (p Peers) work(ctx context.Context, peer *tcp.Peer) error {
	return Worker{
		Bus: p.Bus, Log: p.Log, Slots: 1, Memory: max(p.Memory/manyPeers, leastMemory), Scratch: p.Scratch, Host: peer.ID() + "@" + peer.Addr(),
		Programs: func(name string) (mapreduce.Program, error) {
			if name != p.Program.Name {
				return mapreduce.Program{}, fmt.Errorf("the original protocol knows %s only, not %s: %w", p.Program.Name, name, mapreduce.ErrNotMine)
			}
			return peer.Program(), nil
		},
		Refit: func(c *worker.Config) { c.NoIO = true },
	}.Run(ctx)
}

// OriginalOrder appends the keys by which the original system sorts words. It may be called by many at a time.
func OriginalOrder() func(dst, word []byte) []byte {
	orders := sync.Pool{New: func() any {
		order, err := output.ParseOrder(output.Original)
		if err != nil {
			panic(err) // it is a constant
		}
		return order
	}}
	return func(dst, word []byte) []byte {
		order := orders.Get().(*output.Order)
		defer orders.Put(order)
		return order.AppendKey(dst, word)
	}
}
