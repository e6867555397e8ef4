package bus

import (
	"context"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Shape is how streams are made, where the server leaves a choice. It is that of the process that makes them: the one that sets up, and
// the leader for the streams of jobs. What is there already keeps its own.
type Shape struct {
	Replicas     int   // of what must not be lost. 0: three on a cluster that has the servers; 1; 3: three, or an error
	DataReplicas int   // of runs, which can be made again: 1 (or 0), or 3
	MaxBytes     int64 // that each stream may hold, for accounts that want that said; 0: nothing is said
}

// check refuses replicas on a bus that is one server.
func (s Shape) check(ctx context.Context, b *Bus) error {
	if s.Replicas < replicas && s.DataReplicas < replicas {
		return nil
	}
	clustered, err := b.askClustered(ctx)
	if err == nil && !clustered {
		err = mapreduce.Permanentf("%d replicas of a stream: this bus is one server, no cluster: use a cluster of three, or ask for one",
			replicas)
	}
	return err
}

// finished is a stream as it is asked for: it says which version has made it, and how much it holds. One that is bounded never drops
// what is old for what is new, unless it holds only so many messages anyway.
func (b *Bus) finished(config jetstream.StreamConfig) jetstream.StreamConfig {
	config.Metadata = map[string]string{versionKey: strconv.Itoa(mapreduce.RecordVersion)}
	if b.shape.MaxBytes > 0 {
		config.MaxBytes = b.shape.MaxBytes
	}
	if b.shape.MaxBytes > 0 && config.MaxMsgs <= 0 {
		config.Discard = jetstream.DiscardNew
	}
	if config.Replicas > 1 {
		config.PersistMode = jetstream.DefaultPersistMode // the server knows no other for streams with replicas
	}
	return config
}
