package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// markerLife is for how long a bucket that we made keeps the word that a key was deleted.
const markerLife = 24 * time.Hour

// tableBucket is the stream below a bucket for a result.
func tableBucket(name string) jetstream.StreamConfig {
	config := keyValue(name, "result of a job of jetreduce")
	config.AllowMsgTTL = true
	return config
}

// openBucket finds the bucket or makes it, and sees to it that it takes batches and may be written by this submission.
func (t *Tables) openBucket(ctx context.Context, d destination, uid mapreduce.UID) (f front, err error) {
	f, err = t.front(ctx, d.stream)
	if isNoStream(err) {
		if _, err = t.bus.makeDurable(ctx, tableBucket(d.bucket)); err == nil {
			f, err = t.front(ctx, d.stream)
		}
	}
	if err != nil {
		return f, fmt.Errorf("open bucket %s: %w", d.bucket, err)
	}
	if err := t.vacant(ctx, d, f, uid); err != nil {
		return f, err
	}
	if f.config.Mirror != nil || f.config.Sealed || !slices.Contains(f.config.Subjects, d.key(">")) {
		return f, mapreduce.Permanentf("bucket %s cannot be written, it is sealed or a copy: name another", d.bucket)
	}
	if f.config.AllowAtomicPublish {
		return f, nil
	}
	return f, t.allowBatches(ctx, d.stream)
}

// allowBatches changes one setting of a stream, and sends back all others as they came, also those that this version does not know.
func (t *Tables) allowBatches(ctx context.Context, stream string) error {
	err := t.bus.ask(ctx, func(ctx context.Context) error {
		answer, err := t.bus.nc.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+stream, nil)
		if err != nil {
			return err
		}
		var info struct {
			Config map[string]json.RawMessage `json:"config"`
		}
		if err := decode("stream info", answer.Data, &info); err != nil || info.Config == nil {
			return errors.Join(err, errNotYet)
		}
		info.Config["allow_atomic"] = json.RawMessage("true")
		config, err := json.Marshal(info.Config)
		if err != nil {
			return mapreduce.Permanent(err)
		}
		_, err = t.bus.request(ctx, &nats.Msg{Subject: "$JS.API.STREAM.UPDATE." + stream, Data: config})
		return err
	})
	if err != nil {
		return lastWord(ctx, fmt.Errorf("allow atomic batches on stream %s: %w", stream, err))
	}
	return nil
}

// vacant refuses a bucket with keys that are not to be replaced.
func (t *Tables) vacant(ctx context.Context, d destination, f front, uid mapreduce.UID) error {
	if d.target.Force || f.state.Msgs == 0 || f.owner == uid && uid != "" {
		return nil
	}
	keys, err := t.liveKeys(ctx, d.bucket, f)
	if err != nil || len(keys) == 0 {
		return err
	}
	return mapreduce.Permanentf("%s has %d keys: add --force to replace them, or name another bucket", "kv://"+d.bucket, len(keys))
}

// liveKeys lists the keys of a bucket, as of that front or later.
func (t *Tables) liveKeys(ctx context.Context, bucketName string, f front) (map[string]struct{}, error) {
	for {
		keys, seen, err := t.listKeys(ctx, bucketName)
		switch {
		case err != nil && (answered(err) || ctx.Err() != nil):
			return nil, fmt.Errorf("list keys of bucket %s: %w", bucketName, err)
		case err == nil && (!f.there || seen >= f.state.LastSeq):
			return keys, nil
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil { // the server that answered lags behind
			return nil, err
		}
	}
}

func (t *Tables) listKeys(ctx context.Context, bucketName string) (keys map[string]struct{}, seen uint64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kv, err := t.bus.js.KeyValue(ctx, bucketName)
	if err != nil {
		return nil, 0, err
	}
	watcher, err := kv.WatchAll(ctx, jetstream.MetaOnly())
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = watcher.Stop() }()
	keys = map[string]struct{}{}
	for {
		entry, err := nextEntry(ctx, watcher)
		if entry == nil {
			return keys, seen, err
		}
		seen = max(seen, entry.Revision())
		if entry.Operation() == jetstream.KeyValuePut {
			keys[entry.Key()] = struct{}{}
		}
	}
}

// nextEntry waits for an entry, but not for a server that has gone away. Nil without an error is the end.
func nextEntry(ctx context.Context, watcher jetstream.KeyWatcher) (jetstream.KeyValueEntry, error) {
	silence := time.NewTimer(answerWait)
	defer silence.Stop()
	select {
	case entry, open := <-watcher.Updates():
		if !open {
			return nil, errNotYet
		}
		return entry, nil
	case <-silence.C:
		return nil, errNotYet
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// publishBucket replaces what the bucket holds by the rows, until all of them stand.
func (t *Tables) publishBucket(ctx context.Context, d destination, table mapreduce.Table, mark string) (note string, err error) {
	err = t.toTheEnd(ctx, d, table, mark, func(f front) error {
		if !f.config.AllowAtomicPublish { // somebody has set the bucket's options anew, and cleared this one
			if err := t.allowBatches(ctx, d.stream); err != nil {
				return err
			}
		}
		r := replacement{tables: t, d: d, table: table, f: f}
		if r.limits, err = t.batchLimits(ctx, f, d.key("jetreduce")); err != nil {
			return err
		}
		err := r.write(ctx)
		note = r.note // of the last try: the one that came to the end
		return err
	})
	return note, err
}

// replacement is one try to replace the keys of a bucket.
type replacement struct {
	tables *Tables
	d      destination
	table  mapreduce.Table
	f      front
	limits batchLimits
	note   string
}

func (r *replacement) write(ctx context.Context) error {
	done := int64(0)
	if r.f.owner == r.table.UID {
		done = r.f.row
	}
	w := &batches{bus: r.tables.bus, ctx: ctx, limits: r.limits, expected: r.f.state.LastSeq}
	if done == 0 {
		gone, err := r.gone(ctx)
		if err != nil {
			return err
		}
		for _, name := range gone {
			if err := w.add(r.marker(name)); err != nil {
				return err
			}
		}
	}
	if err := r.d.rows(r.table, done, w.add); err != nil {
		return err
	}
	err := w.commit()
	if w.stored > 1 || done > 0 {
		r.note = fmt.Sprintf("bucket %s was replaced in steps, not at once: its server takes at most %d messages in one. Who read it "+
			"meanwhile may have missed keys, and saw none of the old beside the new", r.d.bucket, r.limits.messages)
	}
	return err
}

// gone are the keys to delete before the rows are put: those that the rows do not put again. When all that does not fit into one
// batch, it is all keys, so that none of the old stands beside one of the new.
func (r *replacement) gone(ctx context.Context) ([]string, error) {
	keys, err := r.tables.liveKeys(ctx, r.d.bucket, r.f)
	if err != nil {
		return nil, err
	}
	stay, size := maps.Clone(keys), int64(0)
	err = r.table.Rows(func(key, value []byte) error {
		name, err := r.d.name(key)
		delete(stay, name)
		size += int64(len(r.d.key(name))+len(value)) + 2*batchHeaders
		return err
	})
	for name := range stay {
		size += int64(len(r.d.key(name))) + 2*batchHeaders
	}
	if r.table.Count+int64(len(stay)) <= r.limits.messages && size <= r.limits.bytes {
		keys = stay
	}
	return slices.Sorted(maps.Keys(keys)), err
}

// marker says that a key is deleted.
func (r *replacement) marker(name string) *nats.Msg {
	msg := &nats.Msg{Subject: r.d.key(name), Header: rowHeader(r.table, 0)}
	msg.Header.Set("KV-Operation", "DEL")
	if r.f.config.AllowMsgTTL {
		msg.Header.Set(jetstream.MsgTTLHeader, markerLife.String())
	}
	return msg
}
