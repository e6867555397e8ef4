package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Thing is something that jetreduce needs on a bus, and what became of it.
type Thing struct {
	Kind string `json:"kind"` // stream, bucket, object store, consumer
	Name string `json:"name"`
	Is   string `json:"is"`             // one of the words below
	For  string `json:"for,omitempty"`  // what it is for
	Seen string `json:"seen,omitempty"` // how it differs
	Do   string `json:"do,omitempty"`   // and what to do about it
}

// What a Thing is.
const (
	ThingMade    = "made"
	ThingThere   = "is there"
	ThingDiffers = "differs" // from what would be made; nothing of that is changed
	ThingMissing = "would be made"
)

// Provision makes what SetUp makes, one thing after the other, and tells found of each. What is there is compared with what would be made.
// Dry, it makes nothing. What another version has made it names, and touches nothing.
func (b *Bus) Provision(ctx context.Context, s SetUp, dry bool, found func(Thing) error) error {
	if err := b.begin(ctx, s); err != nil {
		return err
	}
	for _, config := range b.lastingStreams() {
		thing, err := b.provideStream(ctx, config, dry)
		if err == nil {
			err = found(thing)
		}
		if err != nil {
			return err
		}
	}
	for _, class := range append([]mapreduce.Class{mapreduce.IO}, s.Classes...) {
		thing, err := b.provideConsumer(ctx, b.consumer(mapreduce.DefaultPool, class, cmp.Or(s.AckWait, usualAckWait)), class, dry)
		if err == nil {
			err = found(thing)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) provideStream(ctx context.Context, config jetstream.StreamConfig, dry bool) (Thing, error) {
	thing := thingOf(config)
	there, err := b.firstWord(ctx, config.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound) && dry:
		thing.Is = ThingMissing
		return thing, nil
	case errors.Is(err, jetstream.ErrStreamNotFound):
		alone, err := b.makeDurable(ctx, config)
		if thing.Is = ThingMade; alone {
			thing.Seen = "on one server of the cluster"
			thing.Do = "add servers, or allow the account three replicas; then nats stream edit " + config.Name + " --replicas 3"
		}
		return thing, err
	case err != nil:
		return thing, err
	}
	thing.Is = ThingThere
	if thing.Seen, thing.Do = b.differs(there.CachedInfo().Config, config); thing.Seen != "" {
		thing.Is = ThingDiffers
	}
	return thing, nil
}

// thingOf is a stream as users know it: by the name of the bucket above it, if it has one.
func thingOf(config jetstream.StreamConfig) Thing {
	thing := Thing{Kind: "stream", Name: config.Name, For: config.Description}
	if name, is := strings.CutPrefix(config.Name, "KV_"); is {
		thing.Kind, thing.Name = "bucket", name
	}
	if name, is := strings.CutPrefix(config.Name, "OBJ_"); is {
		thing.Kind, thing.Name = "object store", name
	}
	return thing
}

// provideConsumer makes a consumer of the queue. One that is there keeps no data: it is put right.
func (b *Bus) provideConsumer(ctx context.Context, config jetstream.ConsumerConfig, class mapreduce.Class, dry bool) (Thing, error) {
	thing := Thing{Kind: "consumer", Name: config.Durable, For: fmt.Sprintf("tasks of class %s, from %s", class, b.names.tasks())}
	err := b.ask(ctx, "CONSUMER.INFO."+b.names.tasks(), func(ctx context.Context) error {
		_, err := b.js.Consumer(ctx, b.names.tasks(), config.Durable)
		return err
	})
	switch {
	case err == nil:
		thing.Is = ThingThere
	case !errors.Is(err, jetstream.ErrConsumerNotFound) && !isNoStream(err):
		return thing, fmt.Errorf("find consumer %s: %w", config.Durable, err)
	case dry:
		thing.Is = ThingMissing
	default:
		thing.Is = ThingMade
	}
	if !dry {
		err = b.makeConsumer(ctx, mapreduce.DefaultPool, class, config.AckWait)
		return thing, lastWord(ctx, err)
	}
	return thing, nil
}
