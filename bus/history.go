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

// How ended jobs went is kept in a stream of its own: coordinators do not read it when they take over, and when it is full it forgets what
// is oldest, or what is a month old. It is no state. When it is gone, or was never made, all that is missing is a picture.
//
//	leader ── Keep ─▶ jetreduce.history.<uid> ─── direct get ──▶ Desk.Timeline ◀── where the job stands ── leader

// Bounds of the history. A bound in bytes would be taken from what the account may store, even while the stream is empty.
const (
	historyJobs  = 1000 // of at most mapreduce.MaxMessage each: 250 MiB
	historyAge   = 30 * 24 * time.Hour
	keepWait     = time.Second     // a leader waits no longer
	lookBackWait = 3 * time.Second // nor does who asks
)

func (n names) history() string        { return n.stream("HISTORY") }
func (n names) historySubject() string { return n.prefix + ".history.*" }
func (n names) historyOf(uid mapreduce.UID) string {
	return fmt.Sprintf("%s.history.%s", n.prefix, uid)
}
func (n names) historyGet(subject string) string { return n.history() + "." + subject }
func (b *Bus) historyStream() jetstream.StreamConfig {
	config := b.finished(jetstream.StreamConfig{
		Name: b.names.history(), Subjects: []string{b.names.historySubject()}, Description: "how jobs went that have ended",
		MaxMsgsPerSubject: 1, MaxMsgs: historyJobs, MaxMsgSize: mapreduce.MaxMessage, MaxAge: historyAge, AllowDirect: true,
	})
	config.Discard = jetstream.DiscardOld
	return config
}

// makeHistory makes the stream unless it is there. That it cannot be made keeps nobody from working.
func (b *Bus) makeHistory(ctx context.Context, s SetUp) {
	config := b.historyStream()
	if s.Fleeting {
		config.Storage = jetstream.MemoryStorage
	}
	if b.clustered() && !b.few.Load() && b.shape.Replicas != 1 {
		config.Replicas = replicas
	}
	ctx, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	_, err := b.js.CreateStream(ctx, config)
	if err != nil && !isCode(err, jetstream.JSErrCodeStreamNameInUse) && s.Log != nil {
		s.Log.Warn("how jobs went will not be kept", "stream", config.Name, "cause", err)
	}
}

// History is how ended jobs went: coordinator.Archive.
type History struct{ bus *Bus }

// History is that of this bus.
func (b *Bus) History() *History { return &History{b} }

// KeepTimeline keeps the timeline of a submission, unless one is kept: the first is of the leader that has seen the job end, and whoever
// took over after that, or was deposed and wakes up, knows less. It asks once.
func (h *History) KeepTimeline(ctx context.Context, timeline mapreduce.Timeline) error {
	data, err := json.Marshal(timeline)
	if err != nil {
		return fmt.Errorf("encode timeline of %s: %w", timeline.Job.UID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, keepWait)
	defer cancel()
	_, err = h.bus.js.Publish(ctx, h.bus.names.historyOf(timeline.Job.UID), data, jetstream.WithRetryAttempts(0),
		jetstream.WithExpectLastSequencePerSubject(0))
	if err != nil && !conflict(err) {
		return fmt.Errorf("keep timeline of %s: %w", timeline.Job.UID, err)
	}
	return nil
}

// DropTimeline drops it. It asks once.
func (h *History) DropTimeline(ctx context.Context, uid mapreduce.UID) error {
	ctx, cancel := context.WithTimeout(ctx, keepWait)
	defer cancel()
	stream, err := h.bus.js.Stream(ctx, h.bus.names.history())
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSubject(h.bus.names.historyOf(uid)))
	}
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("drop timeline of %s: %w", uid, err)
	}
	return nil
}

// errNotKept: how a job went is not kept, or not any more.
var errNotKept = errors.New("it is not kept how the job went")

// timeline is what was kept of a submission.
func (h *History) timeline(ctx context.Context, uid mapreduce.UID) (timeline mapreduce.Timeline, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookBackWait)
	defer cancel()
	subject := "$JS.API.DIRECT.GET." + h.bus.names.historyGet(h.bus.names.historyOf(uid))
	msg, err := h.bus.nc.RequestWithContext(ctx, subject, nil)
	if err == nil {
		err = directError(msg)
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders) || errors.Is(err, errGone):
		return timeline, errNotKept
	case err != nil:
		return timeline, fmt.Errorf("read timeline of %s: %w", uid, err)
	}
	err = decode(subject, msg.Data, &timeline)
	if err == nil && timeline.Job.UID != uid {
		err = fmt.Errorf("%s holds the timeline of %q", subject, timeline.Job.UID)
	}
	return timeline, err
}

// Timeline is how the tasks of a job go or went. Of one that has ended, what is kept may be gone, or out of reach for now: then it is
// where the job stands, and nothing else.
func (d *Desk) Timeline(ctx context.Context, job mapreduce.JobID) (mapreduce.Timeline, error) {
	known, err := request[mapreduce.Timeline](ctx, d, mapreduce.WantTimeline, []byte(job))
	if err != nil || !known.Job.State.Final() || len(known.Phases) > 0 {
		return known, err
	}
	kept, err := d.bus.History().timeline(ctx, known.Job.UID)
	if err != nil {
		return known, ctx.Err()
	}
	kept.Job = known.Job
	return kept, nil
}

// Vitals is how the whole system is.
func (d *Desk) Vitals(ctx context.Context) (mapreduce.Vitals, error) {
	return request[mapreduce.Vitals](ctx, d, mapreduce.WantVitals, nil)
}

// ListBefore lists the jobs that were submitted before one of them, the latest first. Before none, it is List.
func (d *Desk) ListBefore(ctx context.Context, before mapreduce.JobID) (mapreduce.JobList, error) {
	return request[mapreduce.JobList](ctx, d, mapreduce.WantList, []byte(before))
}
