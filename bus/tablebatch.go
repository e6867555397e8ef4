package bus

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Headers of batches that a server stores whole or not at all (NATS' ADR-50).
const (
	batchID     = "Nats-Batch-Id"
	batchSeq    = "Nats-Batch-Sequence"
	batchCommit = "Nats-Batch-Commit"
)

// Error codes of the server about batches.
const (
	codeBatchIncomplete = 10176
	codeBatchTooLarge   = 10199
)

const (
	// usualBatch is how many messages a server takes in a batch that has not been told otherwise.
	usualBatch = 1000
	// largestBatch is how many a bus of ours takes: at its commit each takes about 1.4 kB of memory besides its value.
	largestBatch = 200_000
	// limitedBatch is how many to put into a stream with limits: a server compares each message with all before it.
	limitedBatch = 5000
	// batchBytes bounds a batch, which a server has in memory when it commits it; replicated, each has it as one proposal.
	batchBytes, replicatedBytes = 64 << 20, 16 << 20
	// A batch is sent without answers, but for one now and then: so the server is never overrun, and an early no is heard.
	answerEach, answerBytes = 512, 1 << 20
)

// batchLimits are how large a batch to a stream may be.
type batchLimits struct {
	messages int64
	bytes    int64
}

// batchLimits asks the server. It says it in its refusal of a batch that begins with a number past all limits: nothing is kept
// of that.
func (t *Tables) batchLimits(ctx context.Context, f front, subject string) (limits batchLimits, err error) {
	limits = batchLimits{usualBatch, batchBytes}
	if f.config.Replicas > 1 {
		limits.bytes = replicatedBytes
	}
	msg := &nats.Msg{Subject: subject, Header: nats.Header{batchID: {rand.Text()}, batchSeq: {strconv.Itoa(1 << 40)}}}
	err = t.bus.ask(ctx, subject, func(ctx context.Context) error {
		_, err := t.bus.request(ctx, msg)
		return err
	})
	if !answered(err) {
		return limits, err
	}
	if n := largest(err); n > 0 {
		limits.messages = n
	}
	if f.config.MaxBytes > 0 || f.config.MaxMsgs > 0 {
		limits.messages = min(limits.messages, limitedBatch)
	}
	return limits, nil
}

var lastNumber = regexp.MustCompile(`(\d+)\D*$`)

// largest is the largest batch that a server names; 0: it names none.
func largest(err error) int64 {
	var refusal *jetstream.APIError
	if !errors.As(err, &refusal) || refusal.ErrorCode != codeBatchTooLarge {
		return 0
	}
	found := lastNumber.FindStringSubmatch(refusal.Description)
	if found == nil {
		return 0
	}
	n, _ := strconv.ParseInt(found[1], 10, 64)
	return n
}

// batchAck is the server's answer to a message of a batch: nothing, but to the last.
type batchAck struct {
	Error *jetstream.APIError `json:"error"`
	Seq   uint64              `json:"seq"`
	Count int64               `json:"count"`
}

func (b *Bus) request(ctx context.Context, msg *nats.Msg) (ack batchAck, err error) {
	answer, err := b.nc.RequestMsgWithContext(ctx, msg)
	if err != nil || len(answer.Data) == 0 {
		return ack, err
	}
	if err := decode("answer", answer.Data, &ack); err != nil {
		return ack, mapreduce.Permanent(err)
	}
	if ack.Error != nil {
		return ack, ack.Error
	}
	return ack, nil
}

// batches writes messages in batches, each expecting the last sequence of the one before. After an error nothing is certain but
// that no later one was stored.
type batches struct {
	bus      *Bus
	ctx      context.Context
	limits   batchLimits
	expected uint64 // sequence of the last message of the stream
	stored   int    // batches

	id     string
	n      int64     // messages in this batch, with held
	size   int64     // of them
	silent int64     // bytes since the last answer
	held   *nats.Msg // the last one, which may have to say that it is
}

// add puts a message into a batch. Its data may change afterwards.
func (w *batches) add(msg *nats.Msg) error {
	size := int64(msg.Size()) + batchHeaders
	switch {
	case w.n > 0 && (w.n >= w.limits.messages || w.size+size > w.limits.bytes):
		if err := w.commit(); err != nil {
			return err
		}
	case w.n > 0:
		if err := w.send(); err != nil {
			return err
		}
	}
	if w.n == 0 {
		w.id = rand.Text()
		msg.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(w.expected, 10))
	}
	w.n++
	w.size += size
	msg.Header[batchID], msg.Header[batchSeq] = []string{w.id}, []string{strconv.FormatInt(w.n, 10)}
	msg.Data = bytes.Clone(msg.Data)
	w.held = msg
	return nil
}

// send sends the message held.
func (w *batches) send() error {
	w.silent += int64(len(w.held.Data))
	if w.n > 1 && w.n%answerEach != 0 && w.silent < answerBytes {
		return w.bus.nc.PublishMsg(w.held)
	}
	w.silent = 0
	_, err := w.answer()
	return err
}

// commit ends the batch, if one has begun.
func (w *batches) commit() error {
	if w.n == 0 {
		return nil
	}
	w.held.Header.Set(batchCommit, "1")
	ack, err := w.answer()
	if err != nil {
		return err
	}
	if ack.Count != w.n {
		return mapreduce.Permanentf("the server stored %d messages of a batch of %d", ack.Count, w.n)
	}
	w.expected, w.n, w.size, w.silent, w.held = ack.Seq, 0, 0, 0, nil
	w.stored++
	return nil
}

// commitWait is how long the server may take to commit a batch.
const commitWait = 6 * answerWait

func (w *batches) answer() (batchAck, error) {
	ctx, heard := w.bus.denials.until(w.ctx, w.held.Subject)
	defer heard()
	ctx, cancel := context.WithTimeout(ctx, commitWait)
	defer cancel()
	defer context.AfterFunc(w.bus.session(), cancel)()
	ack, err := w.bus.request(ctx, w.held)
	if err != nil {
		return ack, fmt.Errorf("publish a batch, at message %d: %w", w.n, deniedOr(ctx, err))
	}
	return ack, nil
}
