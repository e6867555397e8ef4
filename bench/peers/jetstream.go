package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

const (
	pullers  = 2
	prefetch = 500  // messages that a puller has asked for and not handled
	window   = 1024 // messages that are published and not confirmed, while the tasks are queued

	stream, subject, consumer = "tasks", "tasks.no-op", "workers"

	// serveNATS as the first argument makes this program the server: client and server are apart, as the other pools' are.
	serveNATS = "serve-nats"
	tokenName = "PEERS_TOKEN"
)

// natsServer serves JetStream from the folder, at the port, until it is told to end: args are the port and the folder.
func natsServer(args []string) error {
	port, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, Authorization: os.Getenv(tokenName), JetStream: true, StoreDir: args[1], NoLog: true,
	})
	if err != nil {
		return err
	}
	s.Start()
	s.WaitForShutdown()
	return nil
}

// withJetStream is bare JetStream: a stream in files and one consumer, which all pullers share. The stream keeps what is
// acknowledged: to delete it at once, as a work queue does, is slower.
func withJetStream(ctx context.Context, dir string, use func(pool) error) (err error) {
	url, server, err := startNATS(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(window))
	if err != nil {
		return err
	}
	config := jetstream.StreamConfig{Name: stream, Subjects: []string{subject}, Retention: jetstream.LimitsPolicy}
	if _, err := js.CreateStream(ctx, config); err != nil {
		return err
	}
	_, err = js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable: consumer, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1,
	})
	if err != nil {
		return err
	}
	return use(jetStreamPool{url: url, js: js})
}

func startNATS(ctx context.Context, dir string) (string, *process, error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	token := rand.Text()
	url := fmt.Sprintf("nats://%s@127.0.0.1:%d", token, port)
	server, err := launch{
		args: []string{self, serveNATS, strconv.Itoa(port), dir}, env: []string{tokenName + "=" + token},
		dir: dir, quit: syscall.SIGTERM, ready: pingJetStream(url),
	}.start(ctx)
	return url, server, err
}

func pingJetStream(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		nc, err := nats.Connect(url)
		if err != nil {
			return err
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = js.AccountInfo(ctx)
		return err
	}
}

type jetStreamPool struct {
	url string
	js  jetstream.JetStream
}

// Fill publishes with a window of acknowledgements outstanding. One that fails is not told here: Left shows that it is missing.
func (j jetStreamPool) Fill(ctx context.Context, tasks int) error {
	for range tasks {
		// A full window is waited for: a loaded machine may need longer than the 200 ms of the default.
		if _, err := j.js.PublishAsync(subject, []byte(payload), jetstream.WithStallWait(patience)); err != nil {
			return err
		}
	}
	select {
	case <-j.js.PublishAsyncComplete():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j jetStreamPool) Work(ctx context.Context, handled func()) error {
	group, ctx := errgroup.WithContext(ctx)
	for range pullers {
		group.Go(func() error { return j.pull(ctx, handled) })
	}
	return group.Wait()
}

// pull is one puller, on a connection of its own.
func (j jetStreamPool) pull(ctx context.Context, handled func()) error {
	nc, err := nats.Connect(j.url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	tasks, err := js.Consumer(ctx, stream, consumer)
	if err != nil {
		return err
	}
	messages, err := tasks.Messages(jetstream.PullMaxMessages(prefetch))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, messages.Stop)()
	return handle(messages, handled)
}

// handle acknowledges each message until the iterator is stopped.
func handle(messages jetstream.MessagesContext, handled func()) error {
	for {
		message, err := messages.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		handled()
		if err := message.Ack(); err != nil {
			return err
		}
	}
}

func (j jetStreamPool) Left(ctx context.Context) (int, error) {
	tasks, err := j.js.Consumer(ctx, stream, consumer)
	if err != nil {
		return 0, err
	}
	info := tasks.CachedInfo()
	return int(info.NumPending) + info.NumAckPending, nil
}
