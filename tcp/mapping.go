package tcp

import (
	"bytes"
	"context"
	"fmt"

	"jetreduce/mapreduce"
)

// mapping is the mapper that a peer does: text is collected, cut into blobs as the original cuts it, and each is a request.
type mapping struct {
	peer   *Peer
	own    mapreduce.Mapper
	source string
	text   []byte // not yet sent
}

// headBytes is more than a message has besides its text or its pairs.
const headBytes = 64

// Map sends all whole blobs. A text that lacks its last LF was its input's last: its last word does not go on in the next.
func (m *mapping) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if len(m.text) > 0 && m.text[len(m.text)-1] != '\n' {
		if err := m.send(ctx, out, true); err != nil {
			return err
		}
	}
	m.source = batch.Source
	m.text = append(m.text, batch.Data...)
	return m.send(ctx, out, false)
}

// Flush sends what is left.
func (m *mapping) Flush(ctx context.Context, out mapreduce.Output) error {
	return m.send(ctx, out, true)
}

// send sends blobs, at the end of an input also the last.
func (m *mapping) send(ctx context.Context, out mapreduce.Output, atEnd bool) error {
	rest, blob := m.text, 0
	err := m.peer.ask(ctx, func() (*question, error) {
		rest = rest[blob:]
		if blob = mapreduce.BlobEnd(rest, m.peer.server.Blob, atEnd); blob == 0 {
			return nil, nil
		}
		return m.count(ctx, rest[:blob], out)
	})
	if mapreduce.IsPermanent(err) {
		return fmt.Errorf("a blob of %d bytes: %w", blob, err)
	}
	if err != nil {
		return err
	}
	m.text = m.text[:copy(m.text, rest)]
	if cap(m.text) > keepBuffer && len(m.text) < keepBuffer/2 {
		m.text = bytes.Clone(m.text)
	}
	return nil
}

// count is to have a blob's words counted by the peer. They are emitted if they are right.
func (m *mapping) count(ctx context.Context, blob []byte, out mapreduce.Output) (*question, error) {
	var want tally
	if err := m.own.Map(ctx, mapreduce.Batch{Source: m.source, Data: blob}, &want); err != nil {
		return nil, err
	}
	if want.bad {
		return nil, mapreduce.Permanentf("program %s counts otherwise than original workers can", m.peer.server.Program.Name)
	}
	if most := max(int64(len(blob)), want.written); most > MaxFrame-headBytes {
		return nil, mapreduce.Permanentf("%d bytes as a message, which takes %d: use smaller blobs (-b), "+
			"or native workers for a word that is so long", most, MaxFrame)
	}
	request := func(dst []byte) []byte { return appendMapRequest(dst, blob) }
	reply := due{mapReply, int(want.written), int(want.total)}
	return m.peer.question(request, reply, func(value Histogram) error {
		if got := of(value); got.total != want.total || got.sum != want.sum {
			return fmt.Errorf("%d words, which are not the %d of the blob: %s", got.total, want.total, m.odd(ctx, blob, value))
		}
		emit(value, out)
		return nil
	}), nil
}

// odd says which word of a blob is counted wrongly.
func (m *mapping) odd(ctx context.Context, blob []byte, value Histogram) string {
	want := words{}
	if err := m.own.Map(ctx, mapreduce.Batch{Source: m.source, Data: blob}, want); err != nil {
		return err.Error()
	}
	return want.odd(value)
}

// emit emits a pair for each time that a word was met, as the program itself does: a job's records are counted so.
func emit(value Histogram, out mapreduce.Output) {
	for _, count := range value {
		mapreduce.EmitOnes(out, count.Word, count.N)
	}
}
