package bus

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// digestKey is where an object's metadata keeps the digest of the result.
const digestKey = "jetreduce.digest"

// Check refuses a target that takes no result: a bucket that is not there, a name that is taken.
func (r *Results) Check(ctx context.Context, uid mapreduce.UID, target mapreduce.Target) error {
	to, err := r.bus.names.resultPlace(target, uid)
	if err != nil {
		return err
	}
	_, err = r.bus.stands(ctx, to)
	if err == nil && target.To != "" {
		err = r.checkName(ctx, target, to)
	}
	if err != nil {
		return fmt.Errorf("output to bucket %s: %w", to.bucket, err)
	}
	return nil
}

func (r *Results) checkName(ctx context.Context, target mapreduce.Target, to place) error {
	from, err := r.bus.names.linkPlace(target, "")
	if err != nil {
		return err
	}
	found, err := r.bus.stands(ctx, from)
	if err != nil || leadsTo(found, to) {
		return err
	}
	return mayLink(found, target, from)
}

// Publish stores the result of a submission under its uid, whole or not at all. When that stands already with the same
// digest, nothing is written; with another one it is a permanent error.
//
// The object is written by hand, in the format of ADR-20, because the object API would replace what another attempt has
// written meanwhile: here its message expects that there is none. Chunks that an attempt left behind when it was killed
// stand under the uid, too, so that Unlink drops them.
func (r *Results) Publish(ctx context.Context, uid mapreduce.UID, target mapreduce.Target, content io.ReaderAt, size int64,
	digest mapreduce.Digest) error {
	at, err := r.bus.names.resultPlace(target, uid)
	if err != nil {
		return err
	}
	o := object{bus: r.bus, at: at, uid: uid, content: content, size: size, digest: digest}
	if err := o.publish(ctx); err != nil {
		return fmt.Errorf("publish result %s in bucket %s: %w", at.name, at.bucket, err)
	}
	return nil
}

// object is a result on its way.
type object struct {
	bus     *Bus
	at      place
	uid     mapreduce.UID
	content io.ReaderAt
	size    int64
	digest  mapreduce.Digest
}

// publish writes the object until it stands. Chunks have an order and no names, so a lost connection means to write all of
// them again, under a new name.
func (o *object) publish(ctx context.Context) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		found, err := o.bus.stands(ctx, o.at)
		if err != nil {
			return err
		}
		if found.seq > 0 {
			return o.compare(found)
		}
		err = o.write(ctx)
		switch {
		case full(err):
			return fmt.Errorf("%w: %w", mapreduce.ErrNoRoom, err)
		case answered(err) && !busy(err):
			return mapreduce.Permanent(err) // the server's last word
		case mapreduce.IsPermanent(err) || errors.Is(err, nats.ErrConnectionClosed) || wait(ctx, pause) != nil:
			return err
		}
	}
}

// compare takes what stands for a success if it is the same.
func (o *object) compare(found standing) error {
	if !found.live() {
		return mapreduce.Permanentf("it was removed")
	}
	if have, want := found.info.Metadata[digestKey], digestText(o.digest); have != want {
		return mapreduce.Permanentf("it stands already with digest %q, this one has %s", have, want)
	}
	return nil
}

func digestText(digest mapreduce.Digest) string { return fmt.Sprintf("%016x", uint64(digest)) }

// write writes chunks and then the message that makes them an object, if nobody was faster.
func (o *object) write(ctx context.Context) error {
	info := jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{
			Name: o.at.name, Description: "result of a job of jetreduce",
			Metadata: map[string]string{digestKey: digestText(o.digest)},
			Opts:     &jetstream.ObjectMetaOptions{ChunkSize: uint32(o.bus.Carrier().ChunkSize())},
		},
		Bucket: o.at.bucket, NUID: objectID(o.uid, rand.Text()),
	}
	if err := o.writeChunks(ctx, &info); err != nil {
		return err // nobody reads them; the leader removes what is left, with the link
	}
	err := o.bus.putMeta(ctx, o.at, info, 0)
	if !conflict(err) {
		return err // without an answer it may stand: its chunks are not touched
	}
	return o.outrun(ctx, info.NUID)
}

// outrun looks who was faster: it may have been an earlier try of ours, whose answer was lost.
func (o *object) outrun(ctx context.Context, id string) error {
	found, err := o.bus.stands(ctx, o.at)
	if err != nil || found.info.NUID == id {
		return err
	}
	return o.compare(found)
}

// objectID names an object's chunks: all of a submission have its uid in front.
func objectID(uid mapreduce.UID, unique string) string { return string(uid) + "." + unique }

// writeChunks publishes the content in order, a window at a time, and notes its size and sum.
func (o *object) writeChunks(ctx context.Context, info *jetstream.ObjectInfo) error {
	sum, section := sha256.New(), io.NewSectionReader(o.content, 0, o.size)
	w := orderedWriter{bus: o.bus, subject: objectChunks(o.at.bucket, info.NUID)}
	var heard func()
	w.ctx, heard = o.bus.denials.until(ctx, w.subject)
	defer heard()
	for int64(info.Size) < o.size {
		chunk := make([]byte, min(int64(info.Opts.ChunkSize), o.size-int64(info.Size)))
		if _, err := io.ReadFull(section, chunk); err != nil {
			return mapreduce.Permanent(fmt.Errorf("read result: %w", err))
		}
		_, _ = sum.Write(chunk)
		if err := w.push(chunk); err != nil {
			return err
		}
		info.Size += uint64(len(chunk))
		info.Chunks++
	}
	info.Digest = jetstream.GetObjectDigestValue(sum)
	return w.drain(0)
}

// orderedWriter publishes messages on one subject whose order matters: the server's answers prove it. Nothing is published
// twice; after an error nothing is certain.
type orderedWriter struct {
	bus     *Bus
	ctx     context.Context
	subject string
	pending []jetstream.PubAckFuture
	bytes   int
	last    uint64 // sequence of the last that was stored
}

func (w *orderedWriter) push(data []byte) error {
	if err := w.drain(window); err != nil {
		return err
	}
	future, err := w.bus.js.PublishMsgAsync(&nats.Msg{Subject: w.subject, Data: data}, jetstream.WithStallWait(answerWait))
	if err != nil {
		return err
	}
	w.pending, w.bytes = append(w.pending, future), w.bytes+len(data)
	return nil
}

func (w *orderedWriter) drain(limit int) error {
	for len(w.pending) > 0 && w.bytes >= limit {
		oldest := w.pending[0]
		w.pending, w.bytes = w.pending[1:], w.bytes-len(oldest.Msg().Data)
		select {
		case ack := <-oldest.Ok():
			if ack.Sequence <= w.last {
				return errors.New("chunks were stored out of order")
			}
			w.last = ack.Sequence
		case err := <-oldest.Err():
			return err
		case <-w.ctx.Done():
			return deniedOr(w.ctx, w.ctx.Err())
		}
	}
	return nil
}

// putMeta says what stands at a place, if the last that was said there has the sequence expected.
func (b *Bus) putMeta(ctx context.Context, at place, info jetstream.ObjectInfo, expected uint64) error {
	data, err := json.Marshal(info)
	if err != nil {
		return mapreduce.Permanent(err)
	}
	return b.ask(ctx, at.meta(), func(ctx context.Context) error {
		msg := &nats.Msg{Subject: at.meta(), Header: nats.Header{}, Data: data}
		msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
		_, err := b.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(expected))
		return err
	})
}

// purgeChunks removes chunks that belong to no object, or no longer.
func (b *Bus) purgeChunks(ctx context.Context, bucket, chunks string) error {
	stream, err := b.stream(ctx, objectStream(bucket))
	if err != nil {
		return err
	}
	return b.ask(ctx, "STREAM.PURGE."+objectStream(bucket), func(ctx context.Context) error {
		return stream.Purge(ctx, jetstream.WithPurgeSubject(objectChunks(bucket, chunks)))
	})
}
