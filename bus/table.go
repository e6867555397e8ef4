package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Tables are results that are a bucket's keys, or messages of a stream.
//
// All that is written expects the sequence that the stream had before, from the mark on, which was taken before the end of the
// job was decided and stands in that decision. Each message says whose it is, and the how manieth row. So the last message of
// the stream tells how far a submission has come, whoever published for it; and one that wakes up late, when another job has
// written, is refused.
//
//	mark ─▶ decision ─▶ rows 1…k, expecting mark ─▶ rows k+1…n, expecting row k ─▶ last message: row n of n
type Tables struct{ bus *Bus }

// Tables are the results on this bus that are no objects.
func (b *Bus) Tables() *Tables { return &Tables{b} }

// Headers of rows.
const (
	rowOwner = "Jetreduce-Uid"
	rowOf    = "Jetreduce-Row" // n/total, from 1; 0/total: what goes before the rows
	rowJob   = "Jetreduce-Job"
	rowKey   = "Jetreduce-Key"
	rowLast  = "Jetreduce-Last"
)

// destination is the stream that a table goes to, as its target says.
type destination struct {
	stream  string
	bucket  string // "" of a stream
	target  mapreduce.Target
	options url.Values
	name    naming
}

// destination reads a target, and refuses what jetreduce itself lives by: whoever may submit a job could change all others.
func (t *Tables) destination(target mapreduce.Target) (destination, error) {
	d, err := destinationOf(target)
	n := t.bus.names
	own := []string{bucket(n.state()), bucket(n.commits()), objectStream(n.results())}
	if err == nil && (strings.HasPrefix(d.stream, n.stream("")) || slices.Contains(own, d.stream)) {
		err = mapreduce.Permanentf("output %q: that is jetreduce's own: name another", target.To)
	}
	return d, err
}

// destinationOf reads a target. Of a stream the naming comes when its subjects are known.
func destinationOf(target mapreduce.Target) (destination, error) {
	name, options, err := target.Named()
	if err != nil {
		return destination{}, err
	}
	d := destination{stream: name, target: target, options: options}
	if target.Kind() == mapreduce.ToStream {
		return d, d.allow(map[string][]string{"subject": nil, "as": {"value", "json"}, "dots": {"escape", "keep"}})
	}
	d.stream, d.bucket, d.name = bucket(name), name, namings[options.Get("keys")]
	return d, d.allow(map[string][]string{"keys": {"plain", "escape", "base64"}})
}

// allow refuses options that are not known, and values that they have not.
func (d destination) allow(known map[string][]string) error {
	for option := range d.options {
		values, is := known[option]
		if !is {
			names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
			return mapreduce.Permanentf("output %q: option %q is not known: use %s", d.target.To, option, names)
		}
		if value := d.options.Get(option); values != nil && !slices.Contains(values, value) {
			return mapreduce.Permanentf("output %q: %s=%q: use %s", d.target.To, option, value, strings.Join(values, " or "))
		}
	}
	return nil
}

// front is how far a stream has come.
type front struct {
	config  jetstream.StreamConfig
	state   jetstream.StreamState
	created time.Time
	owner   mapreduce.UID // of its last message; "": none of ours, or gone
	row, of int64
	there   bool // the last message is there
}

// mark is what later writes go by: another stream of that name has another.
func (f front) mark() string { return fmt.Sprintf("%d.%d", f.created.UnixNano(), f.state.LastSeq) }

// front asks how far a stream has come. It asks its leader, for others may lag behind.
func (t *Tables) front(ctx context.Context, name string) (f front, err error) {
	found, err := t.bus.stream(ctx, name)
	if err != nil {
		return f, err
	}
	info := found.CachedInfo()
	f = front{config: info.Config, state: info.State, created: info.Created}
	if f.state.LastSeq == 0 {
		return f, nil
	}
	err = t.bus.ask(ctx, "GET."+name, func(ctx context.Context) error { return f.read(ctx, t.bus, f.state.LastSeq) })
	if err != nil {
		return f, fmt.Errorf("read message %d of stream %s: %w", f.state.LastSeq, name, err)
	}
	return f, nil
}

// read notes whose message has a sequence.
func (f *front) read(ctx context.Context, b *Bus, seq uint64) error {
	request, err := json.Marshal(map[string]uint64{"seq": seq})
	if err != nil {
		return mapreduce.Permanent(err)
	}
	answer, err := b.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+f.config.Name, request)
	if err != nil {
		return err
	}
	f.owner, f.row, f.of = "", 0, 0
	msg, err := readMessage(answer.Data)
	if f.there = err == nil; f.there {
		f.owner, f.row, f.of = ownerOf(msg.Header)
	}
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// ownerOf reads what rowHeader wrote, and nothing else.
func ownerOf(h nats.Header) (owner mapreduce.UID, row, of int64) {
	n, total, _ := strings.Cut(h.Get(rowOf), "/")
	row, err := strconv.ParseInt(n, 10, 64)
	of, fault := strconv.ParseInt(total, 10, 64)
	if err != nil || fault != nil || row < 0 || row > of {
		return "", 0, 0
	}
	return mapreduce.UID(h.Get(rowOwner)), row, of
}

func rowHeader(table mapreduce.Table, row int64) nats.Header {
	return nats.Header{
		rowOwner: {string(table.UID)}, rowOf: {strconv.FormatInt(row, 10) + "/" + strconv.FormatInt(table.Count, 10)},
	}
}

// Vacant refuses a bucket that has keys, unless they are to be replaced or are those of this very submission, and a stream that
// is not there or keeps no rows, whatever they are.
func (t *Tables) Vacant(ctx context.Context, uid mapreduce.UID, target mapreduce.Target) error {
	d, err := t.destination(target)
	if err != nil {
		return err
	}
	if d.bucket == "" {
		f, d, err := t.messages(ctx, d)
		if err != nil {
			return err
		}
		return d.keptBy(f)
	}
	f, err := t.front(ctx, d.stream)
	if isNoStream(err) {
		return nil
	}
	if err == nil {
		err = d.keptBy(f)
	}
	if err != nil {
		return err
	}
	return t.vacant(ctx, d, f, uid)
}

// Check goes over all rows, and returns the mark of where they go. A bucket was made before (MakeBucket).
func (t *Tables) Check(ctx context.Context, table mapreduce.Table) (mark string, err error) {
	d, err := t.destination(table.Target)
	if err != nil {
		return "", err
	}
	var f front
	if d.bucket != "" {
		f, err = t.openBucket(ctx, d, table.UID)
	} else {
		f, d, err = t.messages(ctx, d)
	}
	if err == nil {
		err = d.keptBy(f)
	}
	if err == nil {
		err = t.checkRows(d, f, table)
	}
	if err != nil {
		return "", fmt.Errorf("output to %s: %w", table.Target.To, err)
	}
	return f.mark(), nil
}

// Publish brings the rows to the target.
func (t *Tables) Publish(ctx context.Context, table mapreduce.Table, mark string) (note string, err error) {
	d, err := t.destination(table.Target)
	if err != nil {
		return "", err
	}
	if d.bucket != "" {
		note, err = t.publishBucket(ctx, d, table, mark)
	} else {
		err = t.publishStream(ctx, d, table, mark)
	}
	if err != nil {
		return "", fmt.Errorf("output to %s: %w", table.Target.To, err)
	}
	return note, nil
}
