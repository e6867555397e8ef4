package onejob

import (
	"context"
	"time"

	"jetreduce/mapreduce"
	"jetreduce/tcp"
	"jetreduce/worker"
)

const (
	// updateEvery is how often original backups hear how far the job is, at most.
	updateEvery = time.Second
	// followAgain is how long it takes to follow the records again, when that has failed.
	followAgain = time.Second
)

// updater tells original backups what they need to go on from the longest prefix of blobs that is done.
type updater struct {
	*member
	backups backups
	open    func() follower
	prefix  *prefix

	lost, late reminder // the records are; so is an update
}

// backups are who is told: a tcp.Server.
type backups interface {
	Backups() int
	Update(index int, value []tcp.Histogram)
}

// follower hands in what is recorded of jobs: a bus.Feed.
type follower interface {
	Next(ctx context.Context) (mapreduce.Event, error)
	Close()
}

func (m *member) updates(server *tcp.Server) *updater {
	gatherer := worker.New(worker.Config{
		ID: "gatherer", Slots: 1, Memory: m.Memory, Scratch: m.Scratch, Runs: m.b.Runs(), Plans: m.b.Plans(), Log: m.Log,
	})
	now := time.Now()
	return &updater{
		member: m, backups: server, open: func() follower { return m.b.OpenFeed(m.Log) }, prefix: newPrefix(gatherer.Gather),
		lost: remindFrom(now), late: remindFrom(now),
	}
}

// run tells them until ctx ends. Records that cannot be followed any more are followed from the beginning again: what the prefix knows
// it may hear twice.
func (u *updater) run(ctx context.Context) {
	for {
		feed := u.open()
		err := u.updateFrom(ctx, feed)
		feed.Close()
		if ctx.Err() != nil {
			return
		}
		if u.lost.due(time.Now()) {
			u.Log.Warn("original backups are told nothing for a while", "cause", err)
		}
		_ = pass(ctx, followAgain)
	}
}

// updateFrom tells them as long as a feed lasts, and returns why it has ended.
func (u *updater) updateFrom(ctx context.Context, feed follower) error {
	ticker := time.NewTicker(updateEvery)
	defer ticker.Stop()
	heard, ended := make(chan mapreduce.Event), make(chan error, 1)
	go func() {
		defer close(heard)
		ended <- records(ctx, feed, heard)
	}()
	for {
		select {
		case event, more := <-heard:
			if !more {
				return <-ended
			}
			u.prefix.note(event)
		case <-ticker.C:
			if u.backups.Backups() > 0 {
				began := time.Now()
				u.tell(ctx)
				ticker.Reset(max(updateEvery, 10*time.Since(began))) // all of it is sorted and sent again each time
			}
		}
	}
}

// records hands on what is recorded of jobs, until ctx ends or the feed does.
func records(ctx context.Context, feed follower, heard chan<- mapreduce.Event) error {
	for {
		event, err := feed.Next(ctx)
		if err != nil {
			return err
		}
		switch event.(type) {
		case mapreduce.Commit, mapreduce.Restored:
			heard <- event
		}
	}
}

// tell sends the prefix, when it has grown.
func (u *updater) tell(ctx context.Context) {
	status := u.known()
	grown, err := u.prefix.extend(ctx, status)
	switch {
	case err == nil:
		u.late = remindFrom(time.Now())
	case ctx.Err() == nil && u.late.due(time.Now()):
		u.Log.Info("original backups were not told how far the job is", "cause", err)
	}
	if grown {
		u.backups.Update(u.prefix.splits*mapreduce.BlobsOfSplit(u.Blob, status.Bytes.Total), []tcp.Histogram{u.prefix.histogram()})
	}
}
