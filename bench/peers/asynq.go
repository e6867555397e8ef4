package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

const asynqWorkers = 16

// withAsynq is asynq on a Redis of its own, whose configuration is Redis's default and the given lines.
func withAsynq(config string) with {
	return func(ctx context.Context, dir string, use func(pool) error) (err error) {
		at, server, err := startRedis(ctx, dir, config)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.stop()) }()
		inspector := asynq.NewInspector(at)
		defer inspector.Close()
		return use(asynqPool{redis: at, inspector: inspector})
	}
}

// startRedis starts a Redis in the folder, behind a password: the port is open to everyone on the machine.
func startRedis(ctx context.Context, dir, config string) (asynq.RedisClientOpt, *process, error) {
	var at asynq.RedisClientOpt
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return at, nil, err
	}
	account, err := unprivileged("redis")
	if err != nil {
		return at, nil, err
	}
	port, err := freePort()
	if err != nil {
		return at, nil, err
	}
	at = asynq.RedisClientOpt{Addr: fmt.Sprintf("127.0.0.1:%d", port), Password: rand.Text()}
	file := filepath.Join(dir, "redis.conf")
	text := fmt.Sprintf("bind 127.0.0.1\nport %d\ndir %q\nrequirepass %s\n%s\n", port, dir, at.Password, config)
	if err := errors.Join(give(dir, account), secret(file, text, account)); err != nil {
		return at, nil, err
	}
	server, err := launch{args: []string{program, file}, dir: dir, as: account, quit: syscall.SIGTERM, ready: pingRedis(at)}.start(ctx)
	return at, server, err
}

func pingRedis(at asynq.RedisClientOpt) func(context.Context) error {
	return func(ctx context.Context) error {
		client := at.MakeRedisClient().(redis.UniversalClient)
		defer client.Close()
		return client.Ping(ctx).Err()
	}
}

// asynqPool is a pool whose tasks succeed, and are then deleted, as is asynq's default.
type asynqPool struct {
	redis     asynq.RedisClientOpt
	inspector *asynq.Inspector
}

// Fill queues the tasks one by one, many at a time: asynq has no call for more.
func (a asynqPool) Fill(ctx context.Context, tasks int) error {
	client := asynq.NewClient(a.redis)
	defer client.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for range tasks {
		group.Go(func() error {
			_, err := client.EnqueueContext(ctx, asynq.NewTask("no-op", []byte(payload)))
			return err
		})
	}
	return group.Wait()
}

func (a asynqPool) Work(ctx context.Context, handled func()) error {
	server := asynq.NewServer(a.redis, asynq.Config{Concurrency: asynqWorkers, LogLevel: asynq.ErrorLevel})
	noop := func(context.Context, *asynq.Task) error {
		handled()
		return nil
	}
	if err := server.Start(asynq.HandlerFunc(noop)); err != nil {
		return err
	}
	<-ctx.Done()
	server.Shutdown()
	return nil
}

func (a asynqPool) Left(context.Context) (int, error) {
	queue, err := a.inspector.GetQueueInfo("default")
	if err != nil {
		return 0, err
	}
	return queue.Size, nil
}
