package bus

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// messages finds the stream that a table goes to, and the subjects of its rows.
func (t *Tables) messages(ctx context.Context, d destination) (front, destination, error) {
	f, err := t.front(ctx, d.stream)
	if isNoStream(err) {
		return f, d, mapreduce.Permanentf("no stream %s: make it first (nats stream add %s)", d.stream, d.stream)
	}
	if err != nil {
		return f, d, err
	}
	if f.config.Mirror != nil || f.config.Sealed || f.config.NoAck {
		return f, d, mapreduce.Permanentf("stream %s cannot be written, it is sealed or a copy or does not acknowledge: "+
			"name another", d.stream)
	}
	d.name, err = d.subjects(f)
	return f, d, err
}

// subjects is how rows get their subjects: by ?subject=…, or all the only one that the stream has.
func (d destination) subjects(f front) (naming, error) {
	template := d.options.Get("subject")
	if template == "" {
		if len(f.config.Subjects) != 1 || strings.ContainsAny(f.config.Subjects[0], "*>") {
			return nil, mapreduce.Permanentf("stream %s takes %q: say which with stream://%s?subject=SUBJECT, where {key} is the row's key",
				d.stream, f.config.Subjects, d.stream)
		}
		template = f.config.Subjects[0]
	}
	token := escapedToken
	if d.options.Get("dots") == "keep" {
		token = escapedKey
	}
	return subjectOf(template, token)
}

// keptBy refuses a stream that would drop rows, or refuse some when others stand already.
func (d destination) keptBy(f front) error {
	switch {
	case f.config.DiscardNewPerSubject:
		return mapreduce.Permanentf("stream %s refuses messages of a subject that has %d (discard new per subject), maybe when half of "+
			"the rows are there: turn that off (discard_new_per_subject: false) or name another", d.stream, f.config.MaxMsgsPerSubject)
	case f.config.Retention == jetstream.InterestPolicy && f.state.Consumers == 0:
		return mapreduce.Permanentf("stream %s keeps only what a consumer waits for (interest retention), and has no consumer: "+
			"make one first (nats consumer add %s), or name a stream with limits retention", d.stream, d.stream)
	case d.bucket != "":
		return nil
	}
	shape := d.shape()
	if shape == "" || slices.ContainsFunc(f.config.Subjects, func(pattern string) bool { return overlap(pattern, shape) }) {
		return nil
	}
	return mapreduce.Permanentf("stream %s takes no subject %s, only %q: choose another subject or add it to the stream",
		d.stream, d.options.Get("subject"), f.config.Subjects)
}

// shape is a filter that takes all subjects that rows may get. "": the stream's own.
func (d destination) shape() string {
	tokens := strings.Split(d.options.Get("subject"), ".")
	for i, token := range tokens {
		switch {
		case !strings.Contains(token, "{key}"):
		case d.options.Get("dots") == "keep": // a key may be many tokens
			return strings.Join(append(tokens[:i], ">"), ".")
		default:
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, ".")
}

// literal is the tokens of a filter before its first wildcard.
func literal(filter string) string {
	if at := strings.IndexAny(filter, "*>"); at >= 0 {
		return strings.TrimSuffix(filter[:at], ".")
	}
	return filter
}

// literal reports whether all rows have one subject.
func (d destination) literal() bool { return !strings.Contains(d.options.Get("subject"), "{key}") }

// describe says in a message of a stream what a key of a bucket says by itself.
func (d destination) describe(msg *nats.Msg, table mapreduce.Table, n int64, key []byte) {
	text := string(key)
	if !plainHeader(key) {
		text = "base64:" + base64.StdEncoding.EncodeToString(key)
	}
	msg.Header[rowKey] = []string{text}
	msg.Header[jetstream.MsgIDHeader] = []string{string(table.UID) + "." + strconv.FormatInt(n, 10)}
	if n == table.Count {
		msg.Header[rowLast] = []string{"true"}
	}
}

// plainHeader reports whether a header brings a key unchanged, and nobody takes it for one in base64.
func plainHeader(key []byte) bool {
	if !utf8.Valid(key) || bytes.HasPrefix(key, []byte("base64:")) || len(bytes.TrimSpace(key)) != len(key) {
		return false
	}
	return !slices.ContainsFunc(key, func(c byte) bool { return c < ' ' || c == 0x7f })
}

// publishStream appends the rows to the stream, until all of them stand.
func (t *Tables) publishStream(ctx context.Context, d destination, table mapreduce.Table, mark string) error {
	_, d, err := t.messages(ctx, d)
	if err != nil {
		return err
	}
	subject, err := d.name([]byte("x"))
	if err != nil {
		return err
	}
	ctx, heard := t.bus.denials.untilUnder(ctx, cmp.Or(literal(d.shape()), subject))
	defer heard()
	return t.toTheEnd(ctx, d, table, mark, func(f front) error {
		if f.config.AllowAtomicPublish {
			return t.appendBatches(ctx, d, table, f)
		}
		w := &appender{bus: t.bus, ctx: ctx, expected: f.state.LastSeq}
		if err := d.rows(table, f.row, w.add); err != nil {
			return err
		}
		return w.drain(0)
	})
}

func (t *Tables) appendBatches(ctx context.Context, d destination, table mapreduce.Table, f front) error {
	subject, err := d.name([]byte("x"))
	if err != nil {
		return err
	}
	limits, err := t.batchLimits(ctx, f, subject)
	if err != nil {
		return err
	}
	w := &batches{bus: t.bus, ctx: ctx, limits: limits, expected: f.state.LastSeq}
	if err := d.rows(table, f.row, w.add); err != nil {
		return err
	}
	return w.commit()
}
