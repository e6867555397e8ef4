package bus

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// A stream may be edited under a running system, and then still takes what it is given: one that drops what is old loses jobs that were
// acknowledged, and nobody hears of it. So it is said by whoever looks: when a coordinator starts, and by the doctor.

// warnEdited says which of these streams are not as they were made. What cannot be looked at right now keeps nobody from working.
func (b *Bus) warnEdited(ctx context.Context, s SetUp, streams []jetstream.StreamConfig) {
	if s.Fleeting || s.Log == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	for _, want := range streams {
		stream, err := b.js.Stream(ctx, want.Name)
		if err != nil {
			continue
		}
		is := stream.CachedInfo().Config
		seen, do := b.edited(is, want)
		switch {
		case seen == "":
		case forgets(is, want):
			s.Log.Error("a stream was edited, and may lose what it has acknowledged", "stream", want.Name, "seen", seen, "do", do)
		default:
			s.Log.Warn("a stream was edited", "stream", want.Name, "seen", seen, "do", do)
		}
	}
}

// edited looks for streams that are not as they were made.
func (e *examination) edited(context.Context) {
	found := false
	for _, want := range e.bus.lastingStreams() {
		info := e.streams.there[want.Name]
		if info == nil {
			continue
		}
		seen, do := e.bus.edited(info.Config, want)
		switch {
		case seen == "":
			continue
		case forgets(info.Config, want):
			e.find(LevelUnsafe, "settings", want.Name+" may lose what it has acknowledged: "+seen, do)
		default:
			e.find(LevelWarning, "settings", want.Name+": "+seen, do)
		}
		found = true
	}
	if !found {
		e.find(LevelOK, "settings", "the streams are as they were made", "")
	}
}
