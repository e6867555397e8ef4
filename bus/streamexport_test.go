package bus

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/nats-io/nats.go/jetstream"
)

// InSourcesOf is the same, cut into sources of so many bytes.
func (s *StreamInputs) InSourcesOf(bytes uint64) *StreamInputs { return &StreamInputs{s.bus, bytes} }

// ReadDelivery and the others read what others wrote.
var (
	ReadDelivery = readDelivery
	CheckStream  = func(text string) error { _, err := parseStreamURL(text); return err }
	Covers       = covers
	Overlap      = overlap
)

// WholePart is the sequences of all of a stream, by two looks at it.
func WholePart(first, then *jetstream.StreamInfo) (from, to uint64, err error) {
	part, err := wholePart(first, then)
	return part.first, part.last, err
}

// lateFeed is that of a server which does not have all messages yet.
type lateFeed struct {
	feed
	late   int // times that it has none
	resets int
}

func (f *lateFeed) next(ctx context.Context, from, most uint64) ([]stored, error) {
	if f.late > 0 {
		f.late--
		return nil, nil
	}
	return f.feed.next(ctx, from, min(most, 2))
}

func (f *lateFeed) reset(ctx context.Context) {
	f.resets++
	f.feed.reset(ctx)
}

// WalkLate gives the sequences that a walk finds whose server is late so many times, and how often it began afresh.
func (b *Bus) WalkLate(ctx context.Context, stream string, late int) (seqs []uint64, resets int, err error) {
	found, err := b.history(ctx, stream)
	if err != nil {
		return nil, 0, err
	}
	w := b.walk(span{stream: stream, first: 1, last: found.State.LastSeq, count: math.MaxUint64}, found)
	f := &lateFeed{feed: w.feed, late: late}
	w.feed = f
	defer w.close()
	for {
		msgs, err := w.more(ctx)
		if errors.Is(err, io.EOF) {
			return seqs, f.resets, nil
		}
		if err != nil {
			return nil, 0, err
		}
		for _, msg := range msgs {
			seqs = append(seqs, msg.seq)
		}
	}
}

// SubjectsOf is the list of a stream's subjects, as far as it can be had.
func (b *Bus) SubjectsOf(ctx context.Context, stream string) (map[string]uint64, error) {
	found, err := b.withSubjects(ctx, stream)
	if err != nil {
		return nil, err
	}
	return found.State.Subjects, nil
}
