package streaming

import (
	"context"
	"fmt"
	"strconv"

	"jetreduce/mapreduce"
)

// mapper hands batches to the map command. A process reads one piece of one input:
//
//	batches   a 0-9 ─ a 10-19 ┃ a 50-59 ┃ b 0-9      ┃: its stdin is closed, its output drained, its end looked at
type mapper struct {
	runner
	process *process // nil: none has been started, or it has ended
	source  string   // of the last batch
	next    int64    // where a batch goes on with its piece
	bare    bool     // what was handed over last is a line without its LF
}

// Map is that of mapreduce.Mapper. What the command makes of the batch may come later.
func (m *mapper) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if m.process != nil && !m.continues(batch) {
		if err := m.leave(ctx, out); err != nil {
			return err
		}
	}
	if err := m.enter(ctx, batch); err != nil {
		return err
	}
	m.source, m.next = batch.Source, batch.Offset+int64(len(batch.Data))
	if n := len(batch.Data); n > 0 {
		m.bare = batch.Data[n-1] != '\n' && endsWithLF(batch.Records)
	}
	return m.process.feed(ctx, batch.Data, out)
}

// continues reports whether a batch is of the same piece as the one before it. Between the two may be blank lines that are no records: no
// task has two pieces of an input that are apart otherwise.
func (m *mapper) continues(batch mapreduce.Batch) bool {
	blanks := batch.Records == mapreduce.NDJSON || batch.Records.IsCSV()
	return batch.Source == m.source && (batch.Offset == m.next || blanks && batch.Offset > m.next)
}

// Flush ends the last process.
func (m *mapper) Flush(ctx context.Context, out mapreduce.Output) error {
	if m.process == nil {
		return nil
	}
	return m.finish(ctx, out)
}

// Close kills what still runs.
func (m *mapper) Close() error {
	if m.process != nil {
		m.process.stop()
		m.process = nil
	}
	return nil
}

// enter makes sure that there is a process for a batch.
func (m *mapper) enter(ctx context.Context, batch mapreduce.Batch) (err error) {
	switch {
	case m.process == nil && m.Shared:
		m.process, err = m.start(ctx, m.Commands.Map, named("map", m.Commands.Map)+" on inputs up to "+batch.Source)
	case m.process == nil:
		what := fmt.Sprintf("%s on %s from byte %d", named("map", m.Commands.Map), batch.Source, batch.Offset)
		m.process, err = m.start(ctx, m.Commands.Map, what,
			"JETREDUCE_INPUT="+batch.Source, "JETREDUCE_OFFSET="+strconv.FormatInt(batch.Offset, 10))
	case m.Shared && batch.Source != m.source:
		m.process.what = named("map", m.Commands.Map) + " on inputs up to " + batch.Source
	}
	return err
}

// leave is behind the last batch of a piece.
func (m *mapper) leave(ctx context.Context, out mapreduce.Output) error {
	if !m.Shared {
		return m.finish(ctx, out)
	}
	return m.endLine(ctx, out)
}

// endLine puts the LF behind a line that lacks it.
func (m *mapper) endLine(ctx context.Context, out mapreduce.Output) error {
	if !m.bare {
		return nil
	}
	m.bare = false
	return m.process.feed(ctx, lf, out)
}

func (m *mapper) finish(ctx context.Context, out mapreduce.Output) error {
	if err := m.endLine(ctx, out); err != nil {
		return err
	}
	err := m.process.finish(ctx, out)
	m.process = nil
	return err
}

// endsWithLF reports whether records are lines, the last of which may lack its LF.
func endsWithLF(r mapreduce.Records) bool {
	return r == mapreduce.Lines || r == mapreduce.NDJSON || r.IsCSV()
}

var lf = []byte{'\n'}
