package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"jetreduce/mapreduce"
)

// SetUp is how the streams of jetreduce are made. Only the coordinator's side makes them; all others bind.
type SetUp struct {
	Classes []mapreduce.Class // whose tasks will stand in the queue, besides io
	AckWait time.Duration     // 10 s: how long a worker may be silent about a task
	Results bool              // make the place for results that the bus keeps
	// Fleeting: the bus is new, and ends with this process. Nobody will ever read its records again, so they are kept in memory,
	// and cost no files. What grows with the input is not: plans, lanes, results.
	Fleeting bool
	Shape    Shape        // of this, and of all that is made over the same Bus
	Log      *slog.Logger // told what is less durable than it should be; may be nil
}

const usualAckWait = 10 * time.Second

// SetUp makes the streams and consumers that are not there yet. What another version has made it names, and touches nothing.
func (b *Bus) SetUp(ctx context.Context, s SetUp) error {
	s.AckWait = cmp.Or(s.AckWait, usualAckWait)
	if err := b.begin(ctx, s); err != nil {
		return err
	}
	streams := b.streams()
	for i := range streams {
		if s.Fleeting && streams[i].Name != b.names.plans() {
			streams[i].Storage = jetstream.MemoryStorage
		}
	}
	if s.Results {
		streams = append(streams, b.resultsBucket())
	}
	if err := b.makeAll(ctx, streams, s.Log); err != nil {
		return err
	}
	b.makeHistory(ctx, s)
	b.warnEdited(ctx, s, streams)
	for _, class := range append([]mapreduce.Class{mapreduce.IO}, s.Classes...) {
		if err := b.makeConsumer(ctx, mapreduce.DefaultPool, class, s.AckWait); err != nil {
			return err
		}
	}
	return nil
}

// begin refuses what cannot be set up, before anything is made.
func (b *Bus) begin(ctx context.Context, s SetUp) error {
	if err := s.Shape.check(ctx, b); err != nil {
		return err
	}
	b.shape, b.log = s.Shape, s.Log
	if s.Fleeting {
		return nil
	}
	if err := b.Check(ctx); !errors.Is(err, ErrNotSetUp) {
		return err
	}
	return nil
}

// makeInbox makes the stream of submitted jobs, unless it is there.
func (b *Bus) makeInbox(ctx context.Context) error {
	_, err := b.makeDurable(ctx, b.streams()[0])
	return err
}

// makeAll makes streams that must last, unless they are there.
func (b *Bus) makeAll(ctx context.Context, streams []jetstream.StreamConfig, log *slog.Logger) error {
	alone := make([]bool, len(streams))
	group, ctx := errgroup.WithContext(ctx)
	for i, config := range streams {
		group.Go(func() (err error) {
			alone[i], err = b.makeDurable(ctx, config)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var names []string
	for i, config := range streams {
		if alone[i] {
			names = append(names, config.Name)
		}
	}
	sayAlone(log, names)
	return nil
}

// ErrNotSetUp: the streams of jetreduce are not there.
var ErrNotSetUp = errors.New("nobody has set up jetreduce on this bus: start `jetreduce coordinator`")

// AwaitSetUp waits until somebody has set up jetreduce, and says that it does.
func (b *Bus) AwaitSetUp(ctx context.Context, log *slog.Logger) error {
	for said := false; ; said = true {
		err := b.Check(ctx)
		if !errors.Is(err, ErrNotSetUp) {
			return err
		}
		if !said {
			log.Warn("waiting for a coordinator", "cause", err)
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// versionKey is where a stream's metadata says which version has made it.
const versionKey = "jetreduce.version"

// Check makes sure that the streams are there, and that this version understands what they hold.
func (b *Bus) Check(ctx context.Context) error {
	if err := recent(b.nc.ConnectedServerVersion()); err != nil {
		return err
	}
	found, missing := 0, 0
	for _, config := range b.streams() {
		find := b.stream
		if missing > 0 && found == 0 { // the first was doubted
			find = b.firstWord
		}
		stream, err := find(ctx, config.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			missing++
			continue
		}
		if err != nil {
			return err
		}
		found++
		if err := checkVersion(config.Name, stream.CachedInfo().Config.Metadata[versionKey]); err != nil {
			return err
		}
	}
	if missing > 0 {
		return ErrNotSetUp
	}
	return nil
}

func checkVersion(stream, made string) error {
	if made != strconv.Itoa(mapreduce.RecordVersion) {
		return mapreduce.Permanentf("stream %s is of version %q, this binary understands version %d: nothing was touched; "+
			"run binaries of one version", stream, made, mapreduce.RecordVersion)
	}
	return nil
}

// lastingStreams are all streams that jetreduce keeps: what a running job has comes on top.
func (b *Bus) lastingStreams() []jetstream.StreamConfig {
	return append(b.streams(), b.historyStream(), b.resultsBucket())
}

func (b *Bus) streams() []jetstream.StreamConfig {
	n := b.names
	return []jetstream.StreamConfig{
		{Name: n.jobs(), Subjects: []string{n.jobsSubject(), n.execSubject()}, Description: "submitted jobs, until they are taken up"},
		{Name: n.plans(), Subjects: []string{n.plansSubjects()}, MaxMsgsPerSubject: 1, AllowDirect: true,
			Description: "plans of jobs, in chunks"},
		{Name: n.tasks(), Subjects: []string{n.tasksSubjects()}, Retention: jetstream.WorkQueuePolicy, PersistMode: b.lazily(),
			Description: "the work queue"}, // a hint: what is lost of it is queued again
		noRollup(keyValue(n.state(), "what the leader recorded of each job")),
		noRollup(keyValue(n.commits(), "which attempt of each task counts")),
	}
}

// noRollup lets nobody who may write one key empty a whole bucket, by a header (Nats-Rollup: all).
func noRollup(config jetstream.StreamConfig) jetstream.StreamConfig {
	config.AllowRollup = false
	return config
}

// keyValue is the stream below a bucket, as the bucket API makes it, plus atomic batches, which that API would clear.
func keyValue(name, description string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: bucket(name), Subjects: []string{key(name, ">")}, Description: description,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew,
		AllowRollup: true, DenyDelete: true, AllowDirect: true, AllowAtomicPublish: true,
	}
}

// makeStream makes a stream unless it is there; it never changes one that is.
func (b *Bus) makeStream(ctx context.Context, config jetstream.StreamConfig) error {
	config = b.finished(config)
	err := b.ask(ctx, "STREAM.CREATE."+config.Name, func(ctx context.Context) error {
		_, err := b.js.CreateStream(ctx, config)
		if err == nil || !isCode(err, jetstream.JSErrCodeStreamNameInUse) {
			return err
		}
		return nil
	})
	if err != nil {
		return lastWord(ctx, fmt.Errorf("make stream %s: %w", config.Name, err))
	}
	return nil
}

// lastWord marks what ask returned as permanent, unless it is the caller who has not waited for the answer.
func lastWord(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, nats.ErrConnectionClosed) {
		return err
	}
	return mapreduce.Permanent(err)
}
