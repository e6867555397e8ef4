package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// pourBytes is how much text is made at a time.
const pourBytes = 256 << 10

// streamPour reads a range of a stream as lines. It is used by one goroutine.
type streamPour struct {
	ctx    context.Context
	bus    *Bus
	source mapreduce.Source
	url    streamURL
	id     streamIdentity

	walk    *walk
	found   []stored // not yet lines
	lines   []byte
	read    int    // of lines
	next    uint64 // the sequence behind the last message that was found
	missing missing
	err     error
}

// missing are the sequences of a range that had a message each, and at which none is any more.
type missing struct {
	first, last uint64 // of the first stretch
	count       uint64
}

func (m *missing) add(first, last uint64) {
	if m.count == 0 {
		m.first = first
	}
	if m.count == 0 || first == m.last+1 {
		m.last = last
	}
	m.count += last - first + 1
}

// open looks whether the stream is the one of the plan.
func (p *streamPour) open() error {
	found, err := p.same()
	if err != nil {
		return err
	}
	s := span{stream: p.url.stream, filters: p.url.subjects, first: p.id.first, last: p.id.last, count: p.id.count,
		bare: p.url.as == viewSubject}
	p.walk = p.bus.walk(s, found)
	return nil
}

// same finds the stream, and refuses another one of the same name.
func (p *streamPour) same() (*jetstream.StreamInfo, error) {
	found, err := p.bus.history(p.ctx, p.url.stream)
	switch {
	case isNoStream(err):
		return nil, p.changed("it was deleted while the job ran")
	case err != nil:
		return nil, fmt.Errorf("input %s: %w", p.source.Name, err)
	case found.Created.UnixNano() != p.id.created:
		return nil, p.changed("it was deleted and made again while the job ran, at " + found.Created.UTC().Format(time.RFC3339))
	}
	return found, nil
}

func (p *streamPour) verify() error {
	_, err := p.same()
	return err
}

func (p *streamPour) close() error {
	p.walk.close()
	p.found, p.lines, p.err = nil, nil, io.ErrClosedPipe
	return nil
}

// Read gives lines. Before the end of the range there is no io.EOF, and none when a message is missing.
func (p *streamPour) Read(data []byte) (int, error) {
	for p.read == len(p.lines) {
		if p.err != nil {
			return 0, p.err
		}
		p.fill()
	}
	n := copy(data, p.lines[p.read:])
	p.read += n
	return n, nil
}

// fill makes more lines.
func (p *streamPour) fill() {
	p.lines, p.read = p.lines[:0], 0
	if len(p.found) == 0 {
		if p.found, p.err = p.walk.more(p.ctx); p.err != nil {
			p.err = p.end(p.err)
			return
		}
	}
	for len(p.found) > 0 && len(p.lines) < pourBytes {
		msg := p.found[0]
		if p.err = p.readable(msg); p.err != nil {
			return
		}
		if p.dense() && msg.seq > p.next {
			p.missing.add(p.next, msg.seq-1)
		}
		p.lines, p.next, p.found = p.line(msg), msg.seq+1, p.found[1:]
	}
}

// readable refuses to show a subject that is not the message's own: two of them would be one.
func (p *streamPour) readable(msg stored) error {
	if !msg.unread || p.url.as == viewData {
		return nil
	}
	return mapreduce.Permanentf("input %s: the subject of message %d is not UTF-8, and stream %s gives it only by direct gets: "+
		"allow them (nats stream edit %s --allow-direct) or read payloads only, without as=%s",
		p.source.Name, msg.seq, p.url.stream, p.url.stream, p.url.as)
}

// line appends what a program sees of a message.
func (p *streamPour) line(msg stored) []byte {
	lines := p.lines
	switch p.url.as {
	case viewSubject:
		lines = append(lines, msg.subject...)
	case viewJSON:
		lines = mapreduce.AppendMessage(lines, mapreduce.Message{
			Stream: p.url.stream, Seq: msg.seq, Time: time.Unix(0, msg.time), Subject: msg.subject, Headers: msg.header, Data: msg.data,
		})
	default:
		if lines = append(lines, msg.data...); len(msg.data) > 0 && msg.data[len(msg.data)-1] == '\n' {
			return lines
		}
	}
	return append(lines, '\n')
}

// dense reports whether each sequence of the range had a message.
func (p *streamPour) dense() bool { return p.id.count == p.id.last-p.id.first+1 }

// end says how the range ended.
func (p *streamPour) end(err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("input %s: read message %d: %w", p.source.Name, p.next, err)
	case p.walk.got != p.id.count:
		return p.short()
	case !p.dense():
		return p.noMore()
	}
	return io.EOF
}

// noMore makes sure that the count of the plan was not short: io.EOF.
func (p *streamPour) noMore() error {
	found, err := p.bus.leadersNext(p.ctx, p.url.stream, p.url.subjects, p.next)
	switch {
	case errors.Is(err, errGone) || err == nil && found.seq > p.id.last:
		return io.EOF
	case err != nil:
		return fmt.Errorf("input %s: read message %d: %w", p.source.Name, p.next, err)
	}
	return p.changed(fmt.Sprintf("message %d was not there when the job was planned", found.seq))
}

// short says which messages are gone, as exactly as is known.
func (p *streamPour) short() error {
	found, err := p.same()
	if err != nil {
		return err
	}
	begins := ""
	if first := found.State.FirstSeq; first > p.id.first {
		begins = fmt.Sprintf(": the stream begins at %d now", first)
	}
	if !p.dense() {
		return p.changed(fmt.Sprintf("%d of the %d messages between %d and %d were deleted or expired while the job ran%s",
			p.id.count-p.walk.got, p.id.count, p.id.first, p.id.last, begins))
	}
	if p.next <= p.id.last {
		p.missing.add(p.next, p.id.last)
	}
	return p.changed(p.missing.String() + " deleted or expired while the job ran" + begins)
}

func (m missing) String() string {
	switch more := m.count - (m.last - m.first + 1); {
	case m.count == 1:
		return fmt.Sprintf("message %d was", m.first)
	case more > 0:
		return fmt.Sprintf("messages %d–%d and %d behind them were", m.first, m.last, more)
	}
	return fmt.Sprintf("messages %d–%d were", m.first, m.last)
}

func (p *streamPour) changed(what string) error {
	return fmt.Errorf("%w: stream %s: %s", mapreduce.ErrInputChanged, p.url.stream, what)
}
