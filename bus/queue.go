package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"jetreduce/mapreduce"
)

// Queue is the work queue: coordinator.Queue and worker.Queue. A delivery that is not settled comes again, to somebody,
// after its patience; settling is never what makes a task count.
type Queue struct {
	bus  *Bus
	log  *slog.Logger
	pool mapreduce.Pool // whose tasks are pulled

	life  context.Context // ends with Close, and the requests that stand at the server with it
	end   context.CancelFunc
	pulls sync.WaitGroup // those requests
	line  lineup         // of slots that take several classes

	mu       sync.Mutex
	patience map[mapreduce.Class]time.Duration // of the classes that are bound
}

// Queue is the work queue on this bus, of which the default pool's tasks are pulled. Close it when nobody pulls any more.
func (b *Bus) Queue(log *slog.Logger) *Queue { return b.QueueOf(mapreduce.DefaultPool, log) }

// QueueOf is the work queue on this bus, of which one pool's tasks are pulled.
func (b *Bus) QueueOf(pool mapreduce.Pool, log *slog.Logger) *Queue {
	life, end := context.WithCancel(context.Background())
	q := &Queue{bus: b, log: log, pool: pool.OrDefault(), life: life, end: end, patience: map[mapreduce.Class]time.Duration{}}
	q.line.begin(q)
	return q
}

// Publish puts tasks into the queue, all at once, and returns the sequence of each.
func (q *Queue) Publish(ctx context.Context, tasks []mapreduce.Task) ([]uint64, error) {
	ctx, heard := q.bus.denials.until(ctx, q.bus.names.prefix+".tasks")
	defer heard()
	pending := make([]queued, len(tasks))
	for i, task := range tasks {
		msg, err := q.message(task)
		if err != nil {
			return nil, err
		}
		pending[i].msg = msg
		pending[i].future, pending[i].err = q.bus.js.PublishMsgAsync(msg, jetstream.WithStallWait(answerWait))
	}
	seqs := make([]uint64, len(tasks))
	for i, each := range pending {
		seq, err := q.stored(ctx, each)
		if err != nil {
			return nil, fmt.Errorf("queue %s: %w", tasks[i].ID, err)
		}
		seqs[i] = seq
	}
	return seqs, nil
}

func (q *Queue) message(task mapreduce.Task) (*nats.Msg, error) {
	data, err := json.Marshal(task)
	if err != nil {
		return nil, fmt.Errorf("encode task %s: %w", task.ID, err)
	}
	if len(data) > mapreduce.MaxMessage {
		return nil, mapreduce.Permanentf("queue %s: %d bytes, %d at most", task.ID, len(data), mapreduce.MaxMessage)
	}
	msg := nats.NewMsg(q.bus.names.taskSubject(task.Pool.OrDefault(), task.Class))
	msg.Data = data
	// The server remembers ids for two minutes, also of messages that are settled: the round is part of it, or a task
	// queued again would be dropped as a duplicate.
	msg.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("%s.%d.%d", task.ID, task.Epoch, task.Round))
	return msg, nil
}

// queued is a task on its way into the queue.
type queued struct {
	msg    *nats.Msg
	future jetstream.PubAckFuture
	err    error // it was not sent, and there is no future
}

// stored waits until a task is in the queue, and publishes again what was not answered or not even sent, while the bus was
// away: the message id makes that safe.
func (q *Queue) stored(ctx context.Context, task queued) (uint64, error) {
	err := task.err
	if err == nil {
		select {
		case ack := <-task.future.Ok():
			return ack.Sequence, nil
		case <-ctx.Done():
			return 0, deniedOr(ctx, ctx.Err())
		case err = <-task.future.Err():
		}
	}
	if answered(err) && !busy(err) && !full(err) {
		return 0, mapreduce.Permanent(err)
	}
	return q.publish(ctx, task.msg)
}

func (q *Queue) publish(ctx context.Context, msg *nats.Msg) (uint64, error) {
	var seq uint64
	err := q.bus.ask(ctx, msg.Subject, func(ctx context.Context) error {
		ack, err := q.bus.js.PublishMsg(ctx, msg)
		if err == nil {
			seq = ack.Sequence
		}
		return err
	})
	return seq, err
}

// HandOn gives a delivery back to the queue for the worker that holds it. The receipt came in a heartbeat, so it is not
// published to unless it is one of this queue.
func (q *Queue) HandOn(_ context.Context, receipt string) error {
	if !receiptOf(q.bus.names.tasks(), receipt) {
		return nil
	}
	return q.bus.nc.Publish(receipt, []byte("-NAK"))
}

// receiptOf reports whether a receipt is one of a delivery from a stream: `$JS.ACK.stream.consumer.` and five numbers, or, of servers that
// name their domain and account first, six and perhaps a token that means nothing.
func receiptOf(stream, receipt string) bool {
	tokens := strings.Split(receipt, ".")
	if len(tokens) < 9 || tokens[0] != "$JS" || tokens[1] != "ACK" || !publishable(receipt) {
		return false
	}
	return len(tokens) == 9 && tokens[2] == stream || (len(tokens) == 11 || len(tokens) == 12) && tokens[4] == stream
}

// publishable reports whether a subject can be published on: no token is empty or a wildcard.
func publishable(subject string) bool {
	return !strings.ContainsAny(subject, " \t\r\n*>") && !strings.Contains("."+subject+".", "..")
}

// Withdraw takes tasks out of the queue.
func (q *Queue) Withdraw(ctx context.Context, seqs []uint64) error {
	stream, err := q.bus.stream(ctx, q.bus.names.tasks())
	if err != nil {
		return fmt.Errorf("withdraw tasks: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(withdrawals)
	for _, seq := range seqs {
		group.Go(func() error {
			err := q.bus.ask(ctx, "STREAM.MSG.DELETE."+q.bus.names.tasks(), func(ctx context.Context) error { return stream.DeleteMsg(ctx, seq) })
			if err != nil && !answered(err) {
				return fmt.Errorf("withdraw task at %d: %w", seq, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// withdrawals are under way at a time: one after another they would keep a leader from all else, where the bus is far away.
const withdrawals = 32
