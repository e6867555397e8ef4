package coordinator

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"jetreduce/mapreduce"
)

// Surroundings is what a coordinator works with. All fields are needed; only the feed is used before it leads.
type Surroundings struct {
	Feed Feed
	Log  *slog.Logger
	Now  func() time.Time
	// Means are what a leader of this epoch works with.
	Means func(epoch mapreduce.Epoch) Means
}

// Means is what a leader acts with.
type Means struct {
	Journal Journal
	Ledger  Ledger
	Queue   Queue
	Classes Classes
	Storage Storage
	Rosters Rosters
	Uploads Uploads
	Links   Links
	Buckets Buckets
	Archive Archive
	Inbox   Inbox
	Herald  Herald
	NewUID  func() mapreduce.UID
}

// Replica is a coordinator that follows the records, and may come to lead from what it knows then. Follow and Lead are
// called one after the other, never at once; one leadership is all that a replica is good for.
type Replica struct {
	state *State
	Surroundings
}

// NewReplica makes a replica that knows nothing yet.
func NewReplica(config Config, around Surroundings) *Replica {
	return &Replica{state: NewState(config), Surroundings: around}
}

// Follow takes in what happens until ctx ends, and does nothing about it.
func (r *Replica) Follow(ctx context.Context) error {
	for {
		event, err := r.Feed.Next(ctx)
		if err != nil {
			return fmt.Errorf("follow the leader: %w", err)
		}
		r.state.Step(r.Now(), event)
		if r.state.behind {
			return fmt.Errorf("follow the leader: %w", errBehind)
		}
	}
}

// Lead leads from what the replica knows until ctx ends, another coordinator leads (mapreduce.ErrDeposed), or the bus gives
// up. It decides nothing itself: it hands events to the state machine and carries out the commands, in order, one at a time.
func (r *Replica) Lead(ctx context.Context, epoch mapreduce.Epoch) error {
	r.state.TakeOver(epoch)
	l := &leader{state: r.state, log: r.Log, now: r.Now, Means: r.Means(epoch), idle: map[mapreduce.UID]bool{}}
	if err := r.Feed.Lead(ctx, epoch); err != nil {
		return fmt.Errorf("lead epoch %d: %w", epoch, err)
	}
	for {
		event, err := r.Feed.Next(ctx)
		if err == nil {
			err = l.step(ctx, l.named(event))
		}
		if err == nil && r.state.behind && r.state.leading { // what it decided would be without them
			err = errBehind
		}
		if err != nil {
			return fmt.Errorf("lead epoch %d: %w", epoch, err)
		}
	}
}

type leader struct {
	state *State
	log   *slog.Logger
	now   func() time.Time
	idle  map[mapreduce.UID]bool // jobs of which the log says that nobody works on them
	// confirmed: since the event under way came in, a fenced write has shown that this leader leads.
	confirmed bool
	mute      time.Time // until then the archive is left alone
	Means
}

// named gives an event the fresh uid that it may need: the state machine has no chance of its own.
func (l *leader) named(event mapreduce.Event) mapreduce.Event {
	switch e := event.(type) {
	case mapreduce.Submitted:
		e.UID = l.NewUID()
		return e
	case mapreduce.Asked:
		e.UID = l.NewUID()
		return e
	case mapreduce.Replayed:
		l.log.Info("decides", "epoch", l.state.config.Epoch)
	}
	return event
}

// step takes in an event and all events that follow from carrying out its commands.
func (l *leader) step(ctx context.Context, event mapreduce.Event) error {
	events := []mapreduce.Event{event}
	l.confirmed = false
	for len(events) > 0 {
		next := events[0]
		events = events[1:]
		for _, command := range l.state.Step(l.now(), next) {
			followed, err := l.do(ctx, command)
			if err != nil {
				return err
			}
			events = append(events, followed...)
		}
	}
	return nil
}
