package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// StreamInputs reads the history of streams: input.Scheme for stream:// URLs.
//
// What there is to read is decided once, when the input is listed, by the stream's leader: the stream (its time of creation),
// a range of sequences, and how many messages of it the filters take. Messages never change; they only go. So a reader that
// finds as many as were listed has read those that were listed, and one that finds fewer says so: there is no other way for
// an answer to be short.
//
// Reading leaves no trace in a stream: consumers keep no account, are made only where they hold no message back, and expire.
type StreamInputs struct {
	bus  *Bus
	each uint64 // bytes of messages in a source, about
}

// StreamInputs are the streams on this bus.
func (b *Bus) StreamInputs() *StreamInputs { return &StreamInputs{b, cutBytes} }

// List freezes what an input names, and cuts it into ranges. There may be none.
func (s *StreamInputs) List(ctx context.Context, input string) ([]mapreduce.Source, error) {
	u, err := parseStreamURL(input)
	if err != nil {
		return nil, err
	}
	c, err := s.freeze(ctx, u)
	var cuts []cut
	if err == nil && c.part.first <= c.part.last {
		cuts, err = c.cuts(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("input %s: %w", input, err)
	}
	sources := make([]mapreduce.Source, 0, len(cuts))
	for _, one := range cuts {
		sources = append(sources, c.source(u, one))
	}
	return sources, nil
}

// freeze finds the stream as it is now, and the sequences that are named.
func (s *StreamInputs) freeze(ctx context.Context, u streamURL) (*cutter, error) {
	c := &cutter{bus: s.bus, filters: u.subjects, each: s.each}
	found, err := s.bus.history(ctx, u.stream)
	if err == nil && found.State.NumSubjects <= listedAtMost && len(u.subjects) > 0 {
		found, err = s.bus.withSubjects(ctx, u.stream)
	}
	if err != nil {
		return nil, err
	}
	if c.found = found; takeAll(u.subjects, found) {
		c.filters = nil
	}
	if deleted := found.State.NumDeleted; len(c.filters) == 0 && deleted > 0 && deleted <= listedAtMost {
		if c.found, err = s.bus.history(ctx, u.stream, jetstream.WithDeletedDetails(true)); err != nil {
			return nil, err
		}
	}
	if c.part, err = wholePart(found, c.found); err != nil {
		return nil, err
	}
	return c, s.narrow(ctx, c, u)
}

// wholePart is all of a stream, by what was looked at first and what was asked for after that: of messages that were appended meanwhile
// nobody has seen the subjects.
func wholePart(first, then *jetstream.StreamInfo) (cut, error) {
	if !first.Created.Equal(then.Created) {
		return cut{}, fmt.Errorf("stream %s was deleted and made again while it was listed", first.Config.Name)
	}
	part := cut{first: max(then.State.FirstSeq, 1), last: min(first.State.LastSeq, then.State.LastSeq)}
	if then.State.Msgs == 0 {
		part.last = 0
	}
	return part, nil
}

// takeAll reports whether the filters take all that the stream holds, by the list of its subjects: then they need not be
// looked at. All that it holds was there when it was listed, for the messages of the part are not appended to. A list that is not
// complete, or has names that are not those of the subjects, says nothing.
func takeAll(filters []string, found *jetstream.StreamInfo) bool {
	if len(found.State.Subjects) == 0 || uint64(len(found.State.Subjects)) < found.State.NumSubjects {
		return len(filters) == 0
	}
	for subject := range found.State.Subjects {
		if strings.ContainsRune(subject, utf8.RuneError) || !filtersTake(filters, subject) {
			return false
		}
	}
	return true
}

// narrow leaves what is between the bounds.
func (s *StreamInputs) narrow(ctx context.Context, c *cutter, u streamURL) error {
	if u.since.kind != noBound {
		seq, err := s.sequence(ctx, c, u.since)
		if err != nil {
			return err
		}
		c.part.first = max(c.part.first, seq)
	}
	if u.until.kind != noBound {
		seq, err := s.sequence(ctx, c, u.until)
		if err != nil {
			return err
		}
		c.part.last = min(c.part.last, seq-1)
	}
	return nil
}

// sequence is that of the first message at a bound or behind it. Times are those of the server's clock, which has stamped the
// messages, too.
func (s *StreamInputs) sequence(ctx context.Context, c *cutter, at bound) (uint64, error) {
	moment := at.time
	switch at.kind {
	case boundSeq:
		return at.seq, nil
	case boundAgo:
		moment = c.found.TimeStamp.Add(-at.ago)
	}
	if c.part.first > c.part.last {
		return c.part.first, nil
	}
	request := map[string]any{"start_time": moment.UTC(), "next_by_subj": ">"}
	found, err := s.bus.leadersGet(ctx, c.found.Config.Name, request)
	switch {
	case errors.Is(err, errGone):
		return c.found.State.LastSeq + 1, nil
	case err != nil:
		return 0, fmt.Errorf("find messages from %s on: %w", at.text, err)
	}
	return found.seq, nil
}

// history is how a stream stands. A stream that a user has named may be none, or not answer: that is said soon.
func (b *Bus) history(ctx context.Context, name string, opts ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	return b.askedOf(ctx, name, func(ctx context.Context) (*jetstream.StreamInfo, error) {
		stream, err := b.js.Stream(ctx, name)
		if err == nil && len(opts) == 0 {
			return stream.CachedInfo(), nil
		} else if err == nil {
			return stream.Info(ctx, opts...)
		}
		return nil, err
	})
}

// askedOf puts a question about a stream that a user has named.
func (b *Bus) askedOf(ctx context.Context, name string, question func(ctx context.Context) (*jetstream.StreamInfo, error)) (
	found *jetstream.StreamInfo, err error,
) {
	d := doubt{bus: b}
	err = b.within(ctx, historyWait, func(ctx context.Context) error {
		return b.ask(ctx, "STREAM.INFO."+name, func(ctx context.Context) (err error) {
			found, err = question(ctx)
			return d.of(err)
		})
	})
	switch {
	case isNoStream(err):
		err = mapreduce.Permanent(fmt.Errorf("no stream %s on this bus (nats stream ls names those that there are): %w", name, err))
	case err != nil:
		err = fmt.Errorf("stream %s: %w", name, err)
	}
	return found, err
}

// historyWait is how long a stream may take to say how it stands: listing its subjects or its deleted messages takes a while.
const historyWait = 30 * time.Second

// Open opens a range of a stream for reading from its beginning to its end.
func (s *StreamInputs) Open(ctx context.Context, source mapreduce.Source) (mapreduce.Content, error) {
	u, err := parseStreamURL(source.Name)
	if err != nil {
		return mapreduce.Content{}, err
	}
	id, err := parseStreamIdentity(source.Identity)
	if err != nil || u.since.seq != id.first || u.until.seq != id.last+1 {
		return mapreduce.Content{}, mapreduce.Permanentf("input %s: no range of a stream: %w", source.Name, err)
	}
	p := &streamPour{ctx: ctx, bus: s.bus, source: source, url: u, id: id, next: id.first}
	if err := p.open(); err != nil {
		return mapreduce.Content{}, err
	}
	return mapreduce.Content{Pour: p, Verify: p.verify, Close: p.close}, nil
}
