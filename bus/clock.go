package bus

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// Periods of the feed's clock.
const (
	tickEvery = 250 * time.Millisecond
	lookEvery = time.Second
)

// clock does something again and again until the feed is closed.
func (f *Feed) clock(every time.Duration, do func()) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return nil
		case <-ticker.C:
			do()
		}
	}
}

// tick hands in that time has passed, as far as this coordinator could notice: while the bus is away no heartbeat can
// come, and that nobody is heard says nothing.
func (f *Feed) tick() {
	if f.bus.nc.Status() != nats.CONNECTED {
		return
	}
	select {
	case f.ticks <- mapreduce.Tick{}:
	default:
	}
}

// look hands in up to where each pool and class of the queue is delivered and settled. When nothing is pending or unsettled that is the
// last sequence that the stream had before the look began: what was queued since is not judged.
func (f *Feed) look() {
	ctx, cancel := context.WithTimeout(f.ctx, answerWait)
	defer cancel()
	stream, err := f.bus.js.Stream(ctx, f.bus.names.tasks())
	if err != nil {
		return // the next look is a second away
	}
	last := stream.CachedInfo().State.LastSeq
	for info := range stream.ListConsumers(ctx).Info() {
		settled := info.AckFloor.Stream
		if info.NumPending == 0 && info.NumAckPending == 0 {
			settled = last
		}
		pool, class, ok := f.bus.names.lineOf(info.Config.FilterSubject)
		if !ok {
			continue // somebody else's
		}
		delivered := info.Delivered.Stream
		if info.NumPending == 0 {
			delivered = last
		}
		f.emit(mapreduce.QueueSeen{Pool: pool, Class: class, Settled: settled, Delivered: delivered})
	}
}
