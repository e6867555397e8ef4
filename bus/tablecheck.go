package bus

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// rowSize is about what a stored message takes besides its subject, headers and data; batchHeaders what its place in a batch does.
const (
	rowSize      = 64
	batchHeaders = 160
)

// checkRows refuses rows that Publish could not bring to the stream: before the decision the job fails, and nothing has changed.
func (t *Tables) checkRows(d destination, f front, table mapreduce.Table) error {
	c := rowCheck{d: d, f: f, table: table, payload: t.bus.nc.MaxPayload()}
	if limit := int64(f.config.MaxMsgSize); limit > 0 {
		c.payload = min(c.payload, limit)
	}
	if err := table.Rows(c.row); err != nil {
		return err
	}
	if c.unordered && d.bucket != "" {
		if err := c.distinct(); err != nil {
			return err
		}
	}
	return c.room()
}

// rowCheck is what is known of the rows so far.
type rowCheck struct {
	d         destination
	f         front
	table     mapreduce.Table
	payload   int64
	bytes     int64
	count     int64
	last      []byte
	unordered bool // so that equal keys need not be neighbours
}

func (c *rowCheck) row(key, value []byte) error {
	c.count++
	msg, err := c.d.row(c.table, c.count, key, value)
	if err != nil {
		return err
	}
	size := int64(msg.Size()) + batchHeaders
	c.bytes += size + rowSize
	switch {
	case len(msg.Subject) > maxRowName:
		return mapreduce.Permanentf("row %q: its name has %d bytes, %d at most", short(key), len(msg.Subject), maxRowName)
	case size > c.payload:
		return mapreduce.Permanentf("row %q: with headers it has %d bytes, the server takes messages of %d: make values smaller, "+
			"raise max_payload or max_msg_size, or write to object://BUCKET/NAME", short(key), size, c.payload)
	case !slices.ContainsFunc(c.f.config.Subjects, func(pattern string) bool { return takes(pattern, msg.Subject) }):
		return mapreduce.Permanentf("row %q: stream %s takes no subject %s, only %q: choose another subject or add it to the stream",
			short(key), c.d.stream, msg.Subject, c.f.config.Subjects)
	case c.count > 1 && c.d.bucket != "" && bytes.Equal(key, c.last):
		return twice(key)
	}
	c.unordered = c.unordered || c.count > 1 && bytes.Compare(c.last, key) > 0
	c.last = append(c.last[:0], key...)
	return nil
}

func twice(key []byte) error {
	return mapreduce.Permanentf("two rows have the key %q, and a bucket keeps one of each: make the program reduce them to one, "+
		"or write to a file or stream", short(key))
}

// distinct looks for two rows of one key among rows that do not come in the order of keys.
func (c *rowCheck) distinct() error {
	seen := make(map[[16]byte]struct{}, c.count)
	return c.table.Rows(func(key, _ []byte) error {
		sum := sha256.Sum256(key)
		short := [16]byte(sum[:])
		if _, is := seen[short]; is {
			return twice(key)
		}
		seen[short] = struct{}{}
		return nil
	})
}

// room refuses more rows than the stream's own limits leave room for: it would refuse the rest, or drop the first.
func (c *rowCheck) room() error {
	limits, state := c.f.config, c.f.state
	have, size := int64(state.Msgs), int64(state.Bytes)
	if limits.Discard == jetstream.DiscardOld {
		have, size = 0, 0 // they make room
	}
	if c.f.owner == c.table.UID {
		return nil // an earlier attempt has found room, and used some
	}
	switch {
	case limits.MaxMsgs > 0 && have+c.count > limits.MaxMsgs:
		return c.noRoom("messages", c.count, limits.MaxMsgs, have)
	case limits.MaxBytes > 0 && size+c.bytes > limits.MaxBytes:
		return c.noRoom("bytes", c.bytes, limits.MaxBytes, size)
	case c.d.bucket == "" && limits.MaxMsgsPerSubject > 0 && c.d.literal() && c.count > limits.MaxMsgsPerSubject:
		return mapreduce.Permanentf("stream %s keeps %d messages of a subject, the result has %d rows: put {key} into the subject, "+
			"or change the stream", c.d.stream, limits.MaxMsgsPerSubject, c.count)
	}
	return nil
}

func (c *rowCheck) noRoom(what string, need, limit, have int64) error {
	beside := ""
	if c.d.bucket != "" {
		beside = ", for the old rows stand until the new ones do"
	}
	return mapreduce.Permanent(fmt.Errorf("%w: the result needs %d %s, stream %s may have %d and has %d%s: remove some or raise its limit",
		mapreduce.ErrNoRoom, need, what, c.d.stream, limit, have, beside))
}

// row is the message of one row, the same whoever publishes it.
func (d destination) row(table mapreduce.Table, n int64, key, value []byte) (*nats.Msg, error) {
	subject, err := d.name(key)
	if err != nil {
		return nil, err
	}
	msg := &nats.Msg{Subject: subject, Header: rowHeader(table, n), Data: value}
	if d.bucket != "" {
		msg.Subject = d.key(subject)
		return msg, nil
	}
	msg.Header[rowJob] = []string{string(table.Job)}
	d.describe(msg, table, n, key)
	return msg, nil
}

func (d destination) key(name string) string { return key(d.bucket, name) }

// rows hands over the messages of all rows but the first ones that are done. Their data change when add has returned.
func (d destination) rows(table mapreduce.Table, done int64, add func(*nats.Msg) error) error {
	n := int64(0)
	return table.Rows(func(key, value []byte) error {
		if n++; n <= done {
			return nil
		}
		msg, err := d.row(table, n, key, value)
		if err != nil {
			return err
		}
		return add(msg)
	})
}
