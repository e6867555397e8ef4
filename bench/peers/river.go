package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const (
	riverWorkers  = 1000
	riverCooldown = 2 * time.Millisecond // the least time between two fetches; River's default, 100 ms, caps it at 10,000 tasks/s
	riverPoll     = 5 * time.Millisecond // how often the tuned pool looks without being told
	insertBatch   = 10_000
)

// withRiver is River on a PostgreSQL of its own. It looks for tasks each poll at least.
func withRiver(poll time.Duration) with {
	return func(ctx context.Context, dir string, use func(pool) error) (err error) {
		cluster, err := newCluster(ctx, dir)
		if err != nil {
			return err
		}
		db, server, err := cluster.start(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.stop()) }()
		defer db.Close()
		driver := riverpgxv5.New(db)
		migrator, err := rivermigrate.New(driver, nil)
		if err != nil {
			return err
		}
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return err
		}
		return use(riverPool{db: db, driver: driver, poll: poll})
	}
}

// noop is a task of River; its payload is what the other pools' tasks carry.
type noop struct {
	Payload string `json:"payload"`
}

// Kind is River's name of the task.
func (noop) Kind() string { return "no-op" }

type riverPool struct {
	db     *pgxpool.Pool
	driver *riverpgxv5.Driver
	poll   time.Duration
}

func (r riverPool) Fill(ctx context.Context, tasks int) error {
	client, err := r.client(&river.Config{})
	if err != nil {
		return err
	}
	params := make([]river.InsertManyParams, 0, insertBatch)
	for left := tasks; left > 0; left -= len(params) {
		params = params[:0]
		for range min(left, insertBatch) {
			params = append(params, river.InsertManyParams{Args: noop{Payload: payload}})
		}
		if _, err := client.InsertManyFast(ctx, params); err != nil {
			return err
		}
	}
	return nil
}

func (r riverPool) Work(ctx context.Context, handled func()) error {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[noop]) error {
		handled()
		return nil
	}))
	client, err := r.client(&river.Config{
		FetchCooldown: riverCooldown, FetchPollInterval: r.poll, Workers: workers,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}},
	})
	if err != nil {
		return err
	}
	// To end its context would be to abandon tasks; Stop lets it record what it has done.
	lasting := context.WithoutCancel(ctx)
	if err := client.Start(lasting); err != nil {
		return err
	}
	<-ctx.Done()
	patience, cancel := context.WithTimeout(lasting, stopPatience)
	defer cancel()
	return client.Stop(patience)
}

func (r riverPool) client(config *river.Config) (*river.Client[pgx.Tx], error) {
	config.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	return river.NewClient(r.driver, config)
}

func (r riverPool) Left(ctx context.Context) (left int, err error) {
	err = r.db.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE state <> 'completed'").Scan(&left)
	return left, err
}
