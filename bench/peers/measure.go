package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/riverqueue/river"
)

// with starts a server and what a pool needs in an empty folder, lets it be used, and ends all that it started,
// whether or not the use succeeds.
type with func(ctx context.Context, dir string, use func(pool) error) error

// setting is one line of the table.
type setting struct {
	peer, name string
	with       with
}

// settings is all that can be measured; doc.go says what each means.
func settings() []setting {
	return []setting{
		{"jetstream", "jetstream", withJetStream},
		{"river", "river-tuned", withRiver(riverPoll)},
		{"river", "river-default-poll", withRiver(river.FetchPollIntervalDefault)},
		{"asynq", "asynq-default", withAsynq("")},
		{"asynq", "asynq-appendfsync-always", withAsynq("appendonly yes\nappendfsync always")},
	}
}

// patience is for one measurement, servers and all: a pool that comes to a halt is an error and not a wait for ever.
const patience = 15 * time.Minute

// measure runs each setting once a round, in turn, so that a machine that slows down slows them all.
func measure(ctx context.Context, o options, progress io.Writer) (_ []result, err error) {
	chosen := slices.DeleteFunc(settings(), func(s setting) bool { return !slices.Contains(o.peers, s.peer) })
	root, err := os.MkdirTemp("", "peers-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	// Other accounts must pass through it to their own folders.
	if err := os.Chmod(root, 0o711); err != nil {
		return nil, err
	}
	results := make([]result, len(chosen))
	for round := range o.rounds {
		for i, s := range chosen {
			rate, err := s.measure(ctx, filepath.Join(root, s.name), o.tasks)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			fmt.Fprintf(progress, "round %d of %d: %-26s %9.0f tasks/s\n", round+1, o.rounds, s.name, rate)
			results[i].name = s.name
			results[i].rates = append(results[i].rates, rate)
		}
	}
	return results, nil
}

// measure is one setting once, on a new server in a new folder: tasks per second.
func (s setting) measure(ctx context.Context, dir string, tasks int) (rate float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	err = s.with(ctx, dir, func(p pool) error {
		took, err := drain(ctx, p, tasks)
		rate = float64(tasks) / took.Seconds()
		return err
	})
	return rate, err
}
