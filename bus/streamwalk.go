package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// span is a range of a stream's messages.
type span struct {
	stream      string
	filters     []string // none: all subjects
	first, last uint64
	count       uint64 // how many messages there are; uncounted: not known
	bare        bool   // subjects are enough: payloads need not come along
	gets        bool   // without a consumer, which not everybody may make
}

const uncounted = math.MaxUint64

// stored is a message of a stream.
type stored struct {
	seq     uint64
	time    int64 // nanoseconds since 1970
	subject string
	header  nats.Header
	data    []byte
	size    int  // bytes that it took on its way
	unread  bool // the subject is not the message's own: JSON has no words for its bytes
}

// feed brings messages of a span, in order.
type feed interface {
	// next gives some messages from a sequence on, most at most, for as long as it is not called again. None: nothing more is
	// there as far as the server knows that was asked, or it does not answer.
	next(ctx context.Context, from, most uint64) ([]stored, error)
	// reset makes it begin afresh, perhaps at another server.
	reset(ctx context.Context)
}

// walk goes along a span from its beginning to its end. That the end is there only the stream's leader decides: others may
// answer sooner, and not have all messages yet.
//
//	next ─▶ messages ─▶ next ─▶ … ─▶ none ─▶ ask the leader ─┬▶ none up to the last: over
//	  ▲                                                      └▶ there is one: the server is late, begin afresh
//	  └──────────────────────────────────────────────────────────┘
type walk struct {
	bus  *Bus
	span span
	feed feed
	from uint64 // the sequence to go on from
	got  uint64 // messages
	over bool
}

// walk begins at the first message of a span, of a stream as it was found.
func (b *Bus) walk(s span, of *jetstream.StreamInfo) *walk {
	return &walk{bus: b, span: s, from: s.first, feed: b.feed(s, of)}
}

// feed is the quickest that leaves no trace. Consumers hold messages back or let them go on streams that are kept for
// consumers, so these are read by gets.
func (b *Bus) feed(s span, of *jetstream.StreamInfo) feed {
	gets := feed(&leaderFeed{bus: b, span: s})
	if of.Config.AllowDirect {
		gets = &directFeed{bus: b, span: s}
	}
	if s.gets || of.Config.Retention != jetstream.LimitsPolicy {
		return gets
	}
	average := of.State.Bytes / max(of.State.Msgs, 1)
	return &pullFeed{bus: b, span: s, bare: s.bare && average >= bareAverage, gets: gets}
}

// more gives the messages that come next, at least one; io.EOF: the span is over.
func (w *walk) more(ctx context.Context) ([]stored, error) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		if w.over || w.from > w.span.last || w.got >= w.span.count {
			return nil, io.EOF
		}
		found, err := w.feed.next(ctx, w.from, w.span.count-w.got)
		if found = w.take(found); len(found) > 0 || err != nil {
			return found, err
		}
		if w.over {
			return nil, io.EOF
		}
		next, err := w.bus.leadersNext(ctx, w.span.stream, w.span.filters, w.from)
		switch {
		case errors.Is(err, errGone) || err == nil && next.seq > w.span.last:
			return nil, io.EOF
		case err != nil:
			return nil, err
		}
		w.feed.reset(ctx)
		if err := wait(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// take leaves out what is behind the span.
func (w *walk) take(found []stored) []stored {
	for i, msg := range found {
		if msg.seq > w.span.last {
			found, w.over = found[:i], true
			break
		}
	}
	if len(found) > 0 {
		w.from = found[len(found)-1].seq + 1
		w.got += uint64(len(found))
	}
	return found
}

func (w *walk) close() {
	ctx, cancel := context.WithTimeout(context.Background(), hastyWait)
	defer cancel()
	w.feed.reset(ctx)
}

// leadersNext is the first message from a sequence on that one of the filters takes, as the stream's leader knows it.
// errGone: there is none.
func (b *Bus) leadersNext(ctx context.Context, stream string, filters []string, from uint64) (stored, error) {
	if len(filters) == 0 {
		filters = []string{">"}
	}
	var first stored
	for _, filter := range filters {
		found, err := b.leadersGet(ctx, stream, map[string]any{"seq": from, "next_by_subj": filter})
		switch {
		case errors.Is(err, errGone):
		case err != nil:
			return stored{}, err
		case first.seq == 0 || found.seq < first.seq:
			first = found
		}
	}
	if first.seq == 0 {
		return stored{}, errGone
	}
	return first, nil
}

// leadersGet asks the leader of a stream for one message, however long that takes.
func (b *Bus) leadersGet(ctx context.Context, stream string, request map[string]any) (found stored, err error) {
	text, err := json.Marshal(request)
	if err != nil {
		return found, err
	}
	d := doubt{bus: b}
	err = b.ask(ctx, "GET."+stream, func(ctx context.Context) error {
		answer, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, text)
		if err == nil {
			found, err = readStored(answer.Data)
		}
		return d.of(err)
	})
	if isNoStream(err) {
		err = mapreduce.Permanent(fmt.Errorf("no stream %s: %w", stream, err))
	}
	return found, err
}

// readStored reads an answer of a leader.
func readStored(data []byte) (stored, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Header  []byte    `json:"hdrs"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := decode("answer", data, &answer); err != nil {
		return stored{}, mapreduce.Permanent(err)
	}
	switch refusal := answer.Error; {
	case refusal != nil && refusal.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return stored{}, errGone
	case refusal != nil:
		return stored{}, refusal
	case answer.Message == nil:
		return stored{}, mapreduce.Permanentf("an answer without a message")
	}
	m := answer.Message
	found := stored{seq: m.Seq, time: m.Time.UnixNano(), subject: m.Subject, data: m.Data,
		size: len(m.Subject) + len(m.Header) + len(m.Data), unread: strings.ContainsRune(m.Subject, utf8.RuneError)}
	if len(m.Header) == 0 {
		return found, nil
	}
	var err error
	found.header, err = nats.DecodeHeadersMsg(m.Header)
	return found, mapreduce.Permanent(err)
}

// leaderFeed asks the leader for one message after the other: that works on every stream.
type leaderFeed struct {
	bus  *Bus
	span span
}

func (f *leaderFeed) next(ctx context.Context, from, _ uint64) ([]stored, error) {
	found, err := f.bus.leadersNext(ctx, f.span.stream, f.span.filters, from)
	switch {
	case errors.Is(err, errGone):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []stored{found}, nil
}

func (f *leaderFeed) reset(context.Context) {}
