package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
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

// MakeBucket makes the bucket of a target, unless it is there, and sees to it that it takes batches: the leader's side, since workers make
// and change no streams. A bucket that this submission may not write is left as it is.
func (t *Tables) MakeBucket(ctx context.Context, uid mapreduce.UID, target mapreduce.Target) error {
	d, err := t.destination(target)
	if err != nil || d.bucket == "" {
		return err
	}
	err = t.bus.within(ctx, namedWait, func(ctx context.Context) error { return t.makeBucket(ctx, d, uid) })
	if errors.Is(err, errMute) {
		err = mapreduce.Permanent(err)
	}
	if err != nil {
		return fmt.Errorf("make bucket %s: %w", d.bucket, err)
	}
	return nil
}

func (t *Tables) makeBucket(ctx context.Context, d destination, uid mapreduce.UID) error {
	f, err := t.front(ctx, d.stream)
	switch {
	case isNoStream(err):
		_, err = t.bus.makeDurable(ctx, tableBucket(d.bucket))
		return err
	case err != nil || f.config.AllowAtomicPublish || t.writable(ctx, d, f, uid) != nil:
		return err
	}
	return t.allowBatches(ctx, d.stream)
}

// openBucket finds the bucket, and whether it may be written by this submission.
func (t *Tables) openBucket(ctx context.Context, d destination, uid mapreduce.UID) (f front, err error) {
	f, err = t.front(ctx, d.stream)
	if isNoStream(err) {
		return f, mapreduce.Permanentf("bucket %s is not there any more: run the job again", d.bucket) // the leader has made it
	}
	if err != nil {
		return f, fmt.Errorf("open bucket %s: %w", d.bucket, err)
	}
	return f, t.writable(ctx, d, f, uid)
}

// writable refuses a bucket that this submission cannot or may not write.
func (t *Tables) writable(ctx context.Context, d destination, f front, uid mapreduce.UID) error {
	if err := t.vacant(ctx, d, f, uid); err != nil {
		return err
	}
	if f.config.Mirror != nil || f.config.Sealed || !slices.Contains(f.config.Subjects, d.key(">")) {
		return mapreduce.Permanentf("bucket %s cannot be written, it is sealed or a copy: name another", d.bucket)
	}
	return nil
}

// allowBatches changes one setting of a stream, and sends back all others as they came, also those that this version does not know.
func (t *Tables) allowBatches(ctx context.Context, stream string) error {
	err := t.bus.ask(ctx, "STREAM.UPDATE."+stream, func(ctx context.Context) error {
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
	found, err := t.bus.history(ctx, bucket(bucketName))
	if err != nil {
		return nil, 0, err
	}
	s := span{stream: found.Config.Name, filters: []string{key(bucketName, ">")}, first: 1, last: math.MaxUint64, count: uncounted, gets: true}
	w := t.bus.walk(s, found)
	defer w.close()
	keys = map[string]struct{}{}
	for {
		entries, err := w.more(ctx)
		if errors.Is(err, io.EOF) {
			return keys, seen, nil
		}
		if err != nil {
			return nil, 0, err
		}
		for _, entry := range entries {
			seen = entry.seq
			name := strings.TrimPrefix(entry.subject, key(bucketName, ""))
			if keys[name] = struct{}{}; deleted(entry.header) {
				delete(keys, name)
			}
		}
	}
}

// keyOperation is the header that says that somebody has deleted or purged a key.
const keyOperation = "KV-Operation"

// deleted reports whether a message says that its key is there no more.
func deleted(header nats.Header) bool {
	operation := header.Get(keyOperation)
	return operation == "DEL" || operation == "PURGE" || header.Get(jetstream.MarkerReasonHeader) != "" // the server's own word
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
	msg.Header[keyOperation] = []string{"DEL"}
	if r.f.config.AllowMsgTTL {
		msg.Header.Set(jetstream.MsgTTLHeader, markerLife.String())
	}
	return msg
}
