package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"jetreduce/mapreduce"
)

// Surroundings is what a leader works with. All fields are needed.
type Surroundings struct {
	Feed    Feed
	Journal Journal
	Queue   Queue
	Storage Storage
	Inbox   Inbox
	Herald  Herald

	Log    *slog.Logger
	Now    func() time.Time
	NewUID func() mapreduce.UID
}

// Lead leads until ctx ends, another coordinator leads (mapreduce.ErrDeposed), or the bus gives up. It decides nothing
// itself: it hands events to the state machine and carries out the commands, in order, one at a time.
func Lead(ctx context.Context, config Config, around Surroundings) error {
	l := &leader{state: NewState(config), Surroundings: around}
	for {
		event, err := l.Feed.Next(ctx)
		if err != nil {
			return fmt.Errorf("lead epoch %d: %w", config.Epoch, err)
		}
		if submitted, ok := event.(mapreduce.Submitted); ok {
			submitted.UID = l.NewUID()
			event = submitted
		}
		if err := l.step(ctx, event); err != nil {
			return fmt.Errorf("lead epoch %d: %w", config.Epoch, err)
		}
	}
}

type leader struct {
	state *State
	Surroundings
}

// step takes in an event and all events that follow from carrying out its commands.
func (l *leader) step(ctx context.Context, event mapreduce.Event) error {
	events := []mapreduce.Event{event}
	for len(events) > 0 {
		next := events[0]
		events = events[1:]
		for _, command := range l.state.Step(l.Now(), next) {
			followed, err := l.do(ctx, command)
			if err != nil {
				return err
			}
			events = append(events, followed...)
		}
	}
	return nil
}

// do carries out one command. Words to users that cannot be said are dropped: they ask again.
func (l *leader) do(ctx context.Context, command Command) ([]mapreduce.Event, error) {
	switch c := command.(type) {
	case WriteRecord:
		l.Log.Info("job enters a state", "job", c.Record.Job, "uid", c.Record.UID, "state", c.Record.State, "error", c.Record.Error)
		return nil, l.Journal.Write(ctx, c.Record)
	case WriteFailure:
		l.Log.Warn("attempt lost", "task", c.Failure.Task, "attempt", c.Failure.Attempt, "reason", c.Failure.Reason)
		return nil, l.Journal.Fail(ctx, c.Failure)
	case WriteEnd:
		return nil, l.Journal.End(ctx, c.End)
	case Accept:
		return nil, l.Inbox.Accept(ctx, c.Seq)
	case Enqueue:
		return l.enqueue(ctx, c.Tasks)
	case HandOn:
		return nil, l.Queue.HandOn(ctx, c.Receipt)
	case Withdraw:
		return nil, l.Queue.Withdraw(ctx, c.Seqs)
	case MakeLanes:
		return refused(c.Lanes[0].UID, l.Storage.Make(ctx, c.Lanes))
	case DropLanes:
		return nil, l.Storage.Drop(ctx, c.Lanes)
	case StoreRoster:
		return refused(c.Task.UID, l.Storage.StoreRoster(ctx, c.Task, c.Chunks))
	case Tell, Answer, Reject:
		l.say(command)
		return nil, nil
	default:
		panic(fmt.Sprintf("no way to carry out %T", command))
	}
}

func (l *leader) enqueue(ctx context.Context, tasks []mapreduce.Task) ([]mapreduce.Event, error) {
	seqs, err := l.Queue.Publish(ctx, tasks)
	if err != nil {
		return refused(tasks[0].ID.UID, err)
	}
	events := make([]mapreduce.Event, len(tasks))
	for i, task := range tasks {
		events[i] = mapreduce.TaskQueued{Task: task.ID, Round: task.Round, Seq: seqs[i]}
	}
	return events, nil
}

func (l *leader) say(command Command) {
	var err error
	switch c := command.(type) {
	case Tell:
		err = l.Herald.Tell(c.Status)
	case Answer:
		err = l.Herald.Answer(c.Reply, c.Status)
	case Reject:
		l.Log.Warn("submission rejected", "job", c.Job, "seq", c.Seq, "reason", c.Reason)
		err = l.Inbox.Reject(c.Job, c.Seq, c.Reason)
	}
	if err != nil {
		l.Log.Warn("nobody was told", "cause", err)
	}
}

// refused turns what the bus will not do for one job into that job's own trouble; all else ends the leadership.
func refused(uid mapreduce.UID, err error) ([]mapreduce.Event, error) {
	if mapreduce.IsPermanent(err) && !errors.Is(err, mapreduce.ErrDeposed) {
		return []mapreduce.Event{mapreduce.Refused{UID: uid, Reason: err.Error()}}, nil
	}
	return nil, err
}
