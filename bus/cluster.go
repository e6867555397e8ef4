package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// replicas is on how many servers of a cluster what must not be lost stands.
const replicas = 3

// peersWait is for how long a cluster may refuse to replicate: its servers may only just have been started.
const peersWait = 3 * time.Second

// clustered reports whether the bus is several servers, as far as is known: without a connection nobody says.
func (b *Bus) clustered() bool {
	if !b.cluster.Load() && b.nc.ConnectedClusterName() != "" {
		b.cluster.Store(true)
	}
	return b.cluster.Load()
}

// askClustered is clustered that waits until somebody says.
func (b *Bus) askClustered(ctx context.Context) (bool, error) {
	for {
		before := b.nc.Stats().Reconnects
		clustered := b.clustered()
		if clustered || b.nc.IsConnected() && b.nc.Stats().Reconnects == before {
			return clustered, nil
		}
		if err := wait(ctx, 10*time.Millisecond); err != nil {
			return false, fmt.Errorf("look whether the bus is a cluster: %w", err)
		}
	}
}

// makeDurable makes a stream unless it is there, on three servers of a cluster. Where there are fewer it is made on one, unless three
// were asked for; it reports whether it is on fewer than three, and ought not to be.
func (b *Bus) makeDurable(ctx context.Context, config jetstream.StreamConfig) (alone bool, err error) {
	clustered, err := b.askClustered(ctx)
	if err == nil && !clustered {
		err = b.makeStream(ctx, config)
	}
	if err != nil || !clustered {
		return false, err
	}
	if b.shape.Replicas == 1 {
		return false, b.makeStream(ctx, config)
	}
	config.Replicas = replicas
	if err = b.replicate(ctx, config); tooFew(err) && b.shape.Replicas < replicas {
		b.few.Store(true)
		config.Replicas = 1
		return true, b.makeStream(ctx, config)
	}
	if err != nil {
		return false, err
	}
	made, err := b.stream(ctx, config.Name) // it may have been there, of a time when there were fewer servers
	return err == nil && made.CachedInfo().Config.Replicas < replicas, err
}

// replicate makes a stream with replicas. That there are too few servers it believes after a while, and at once when it has
// been so before.
func (b *Bus) replicate(ctx context.Context, config jetstream.StreamConfig) error {
	for began := time.Now(); ; {
		err := b.makeStream(ctx, config)
		if !isCode(err, codeNoPeers) || b.few.Load() || time.Since(began) > peersWait || wait(ctx, 100*time.Millisecond) != nil {
			return err
		}
	}
}

// tooFew reports whether a stream was refused because of its replicas: there are too few servers, or the account may have fewer only.
func tooFew(err error) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && !noStorage(refusal) &&
		slices.Contains([]jetstream.ErrorCode{codeNoPeers, codeNoReplicas, codeNoTier}, refusal.ErrorCode)
}

const aloneWarning = "state of jetreduce is not on three servers of the cluster: what is on one is away while that is, and lost with it; " +
	"add servers if there are fewer, allow the account three replicas, then `nats stream edit NAME --replicas 3`"

// sayAlone says which streams were made on one server of a cluster.
func sayAlone(log *slog.Logger, streams []string) {
	if len(streams) == 0 || log == nil {
		return
	}
	log.Warn(aloneWarning, "streams", strings.Join(streams, " "))
}
