package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// pullWait is how long one request for a task stands at the server: what a pull that was given up may cost its closer.
const pullWait = 2 * time.Second

// Pull waits for one task of any of these classes. A worker calls it when it has a free slot, never before: a task that waits inside
// a worker could run elsewhere. A task that arrives after ctx ended is handed back.
//
// Waiting is for a slot that will be free in a moment.
func (q *Queue) Pull(ctx context.Context, classes ...mapreduce.Class) (mapreduce.Delivery, error) {
	if len(classes) != 1 {
		return q.line.pull(ctx, classes)
	}
	class := classes[0]
	patience, err := q.bind(ctx, class)
	for err == nil {
		var msg *nats.Msg
		if msg, err = q.pull(ctx, class); msg == nil {
			continue
		}
		if delivery, ok := q.delivery(msg, patience); ok {
			return delivery, nil
		}
	}
	return mapreduce.Delivery{}, err
}

// Waiting returns a task of a class that waits in the queue although no Pull stands there for it. There may be none, or no answer
// before ctx ends; a task that arrives after that is handed back.
func (q *Queue) Waiting(ctx context.Context, class mapreduce.Class) (delivery mapreduce.Delivery, found bool) {
	patience, err := q.bind(ctx, class)
	if err != nil || q.ended(ctx) != nil {
		return delivery, false
	}
	msg, err := q.request(ctx, class, whatWaits)
	if err != nil {
		return delivery, false // the Pull that follows says what is wrong
	}
	return q.delivery(msg, patience)
}

// delivery reads a task. A bus of ours that was killed may have forgotten that tasks were settled the moment before (lazily): what was
// queued before the connection was made counts as handed out already.
func (q *Queue) delivery(msg *nats.Msg, patience time.Duration) (mapreduce.Delivery, bool) {
	task, ok := q.read(msg)
	delivery := mapreduce.Delivery{Task: task, Receipt: msg.Reply, Patience: patience}
	if meta, err := msg.Metadata(); err == nil {
		delivery.Count, delivery.Queued = int(meta.NumDelivered), meta.Timestamp
		delivery.Repeated = meta.NumDelivered > 1 || meta.Timestamp.Before(q.bus.sessionBegan())
	}
	return delivery, ok
}

// pull asks once for a task; nil: none came. An error is the end of asking.
func (q *Queue) pull(ctx context.Context, class mapreduce.Class) (*nats.Msg, error) {
	if ended := q.ended(ctx); ended != nil { // a request would be answered with what this worker has just handed back
		return nil, ended
	}
	msg, err := q.request(ctx, class, pullRequest)
	if ended := q.ended(ctx); ended != nil {
		if err == nil {
			_ = msg.Nak()
		}
		return nil, ended
	}
	switch {
	case err == nil:
		return msg, nil
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, ErrDenied):
		return nil, fmt.Errorf("pull %s: %w", class, err)
	case !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded):
		_ = wait(ctx, 50*time.Millisecond) // the server is away: that passes
	}
	return nil, nil
}

// drainWait bounds how long a queue that closes waits for the server to have heard that a request is given up.
const drainWait = 500 * time.Millisecond

// ended says why nobody wants a task any more, or nil.
func (q *Queue) ended(ctx context.Context) error {
	if ctx.Err() == nil && q.life.Err() != nil {
		return errors.New("pull: the queue is closed")
	}
	return ctx.Err()
}

// Close gives up the requests that still stand at the server. A task that is on its way to one of them comes again, when
// the queue has lost its patience.
func (q *Queue) Close() {
	q.end()
	q.pulls.Wait()
}

// bind finds the consumer of a class, and how patient it is.
func (q *Queue) bind(ctx context.Context, class mapreduce.Class) (time.Duration, error) {
	q.mu.Lock()
	patience, known := q.patience[class]
	q.mu.Unlock()
	if known {
		return patience, nil
	}
	name := q.bus.names.taskConsumer(q.pool, class)
	var consumer jetstream.Consumer
	var err error
	d := doubt{bus: q.bus}
	for {
		err = q.bus.ask(ctx, "CONSUMER.INFO."+q.bus.names.tasks(), func(ctx context.Context) (err error) {
			consumer, err = q.bus.js.Consumer(ctx, q.bus.names.tasks(), name)
			return d.of(err)
		})
		// A coordinator that sets up jetreduce makes the consumers last.
		if !errors.Is(err, jetstream.ErrConsumerNotFound) || wait(ctx, 100*time.Millisecond) != nil {
			break
		}
	}
	if err != nil {
		return 0, fmt.Errorf("bind to queue %s: %w", name, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.patience[class] = consumer.CachedInfo().Config.AckWait
	return q.patience[class], nil
}

// request asks the server for one task. The answer is received by a goroutine of its own, which outlives a cancelled
// caller until the request has run out, so that a task that was on its way is not left to wait for its ack deadline.
func (q *Queue) request(ctx context.Context, class mapreduce.Class, what []byte) (*nats.Msg, error) {
	type answer struct {
		msg *nats.Msg
		err error
	}
	answers := make(chan answer)
	q.pulls.Go(func() {
		msg, err := q.next(class, what)
		select {
		case answers <- answer{msg, err}:
		case <-ctx.Done():
			if err == nil {
				_ = msg.Nak()
			}
		}
	})
	select {
	case a := <-answers:
		return a.msg, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// The two requests for a task. The one for what waits takes nothing from whoever has a free slot, and leaves no request behind: it
// is refused when fewer tasks wait than requests stand; else it stands behind these, and when they have been served it gets a task
// that is left, or word at once that none is. A request that was given up stands until it has run out.
var (
	pullRequest = fmt.Appendf(nil, `{"batch":1,"expires":%d}`, pullWait.Nanoseconds())
	whatWaits   = []byte(`{"batch":1,"no_wait":true}`)
)

// next makes one request for a task. It needs a subscription of its own: a task comes under its own subject, by which
// the connection's shared inbox would not know whose it is.
func (q *Queue) next(class mapreduce.Class, what []byte) (*nats.Msg, error) {
	life, heard := q.bus.denials.until(q.life, "CONSUMER.MSG.NEXT."+q.bus.names.tasks())
	defer heard()
	inbox := q.bus.nc.NewInbox()
	sub, err := q.bus.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	subject := fmt.Sprintf("$JS.API.CONSUMER.MSG.NEXT.%s.%s",
		q.bus.names.tasks(), q.bus.names.taskConsumer(q.pool, class))
	if err := q.bus.nc.PublishRequest(subject, inbox, what); err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(life, pullWait+time.Second)
	defer cancel()
	defer context.AfterFunc(q.bus.session(), cancel)() // the request died with the server
	msg, err := sub.NextMsgWithContext(wait)
	if q.life.Err() != nil && err != nil && sub.Drain() == nil { // a task may be on its way; whoever gets it hands it back
		msg, err = sub.NextMsg(drainWait)
	}
	if err == nil && msg.Reply == "" {
		err = noTask(msg)
	}
	return msg, deniedOr(life, err)
}

// noTask reads a status that came instead of a task: none in time, which is normal, or something about the consumer.
func noTask(msg *nats.Msg) error {
	switch status := msg.Header.Get("Status"); status {
	case "404", "408": // also: requests of others wait
		return nats.ErrTimeout
	default:
		return fmt.Errorf("status %s %s", status, msg.Header.Get("Description"))
	}
}

// read reads a task. One that this binary does not understand is for others: it goes back, later. What is no task at all
// leaves the queue.
func (q *Queue) read(msg *nats.Msg) (mapreduce.Task, bool) {
	task, err := readTask(msg.Data)
	if err != nil {
		q.log.Error("no task: taken out of the queue", "subject", msg.Subject, "cause", err)
		_ = msg.Term()
		return task, false
	}
	if task.Version != mapreduce.RecordVersion {
		q.log.Error("task of another version: handed back; run workers of one version",
			"task", task.ID, "version", task.Version, "understood", mapreduce.RecordVersion)
		_ = msg.NakWithDelay(5 * time.Second)
		return task, false
	}
	return task, true
}

func readTask(data []byte) (mapreduce.Task, error) {
	var task mapreduce.Task
	err := json.Unmarshal(data, &task)
	if err == nil && task.ID == (mapreduce.TaskID{}) {
		err = errors.New("it names no task")
	}
	return task, err
}

// Extend tells the queue that the task is being worked on.
func (q *Queue) Extend(_ context.Context, receipt string) error {
	return q.bus.nc.Publish(receipt, []byte("+WPI"))
}

// Settle gives a delivery back. Only Complete waits for the server's word, and what it returns proves nothing about the
// task: that its commit stands does.
func (q *Queue) Settle(ctx context.Context, receipt string, how mapreduce.Settlement) error {
	switch how {
	case mapreduce.Complete:
		ctx, cancel := context.WithTimeout(ctx, q.bus.tryWait(0))
		defer cancel()
		_, err := q.bus.nc.RequestWithContext(ctx, receipt, []byte("+ACK"))
		return err
	case mapreduce.HandBack:
		return q.bus.nc.Publish(receipt, []byte("-NAK"))
	case mapreduce.Later:
		return q.bus.nc.Publish(receipt, []byte(`-NAK {"delay": 1000000000}`))
	default:
		return q.bus.nc.Publish(receipt, []byte("+TERM"))
	}
}

// Clock is what time it is on the bus, by which messages are dated.
func (q *Queue) Clock(ctx context.Context) (now time.Time, err error) {
	tasks := q.bus.names.tasks()
	err = q.bus.ask(ctx, "STREAM.INFO."+tasks, func(ctx context.Context) error {
		stream, err := q.bus.js.Stream(ctx, tasks)
		if err == nil {
			now = stream.CachedInfo().TimeStamp
		}
		return err
	})
	return now, err
}
