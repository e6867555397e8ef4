package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Refusals of a server because of what an account may have.
const (
	codeMaxStreams     = 10027
	codeMaxConsumers   = 10026
	codeWantsMaxBytes  = 10113 // of each stream
	codeStreamTooLarge = 10122 // its MaxBytes is above what the account allows one stream
	codeNoTier         = 10120 // the account has limits for other numbers of replicas only
	codeMaxPending     = 10121
	codeNoStorage      = 10047 // what streams reserve, or hold
	codeNoMemory       = 10028
	codeAccountFull    = 10002
	codeStreamFull     = 10077
)

// withinLimits adds to a refusal that comes of the account's limits what to do about it.
func (b *Bus) withinLimits(ctx context.Context, err error) error {
	var refusal *jetstream.APIError
	if !errors.As(err, &refusal) {
		return err
	}
	if do := b.advice(ctx, refusal); do != "" {
		return fmt.Errorf("%w: %s", err, do)
	}
	return err
}

func (b *Bus) advice(ctx context.Context, refusal *jetstream.APIError) string {
	switch refusal.ErrorCode {
	case codeMaxStreams:
		return fmt.Sprintf("%sjetreduce keeps %d, and a running job one for each partition and one more: allow the account more (max_streams), "+
			"ask for fewer partitions (--reduces), or run fewer jobs at a time", b.streamsUsed(ctx), len(b.lastingStreams()))
	case codeMaxConsumers:
		return "each coordinator follows a stream with one, and the queue has one for each class of workers: " +
			"allow the account more (max_consumers)"
	case codeWantsMaxBytes:
		return "this account wants a bound of each stream: give --max-bytes SIZE, to `jetreduce setup` and to each coordinator"
	case codeStreamTooLarge:
		return "--max-bytes is more than this account allows one stream: give less, or allow more (disk_max_stream_bytes)"
	case codeNoTier:
		return "this account has no limits for that many replicas: ask for as many as it has, with --replicas for what must last and " +
			"--data-replicas for runs"
	}
	return b.roomAdvice(refusal)
}

// roomAdvice is what to do when the account, or a server, will not store or reserve more.
func (b *Bus) roomAdvice(refusal *jetstream.APIError) string {
	bound := ""
	if b.shape.MaxBytes > 0 {
		bound = fmt.Sprintf(", or bound streams to less than %s each with --max-bytes, which is reserved when they are made",
			bytesOf(b.shape.MaxBytes))
	}
	switch {
	case slices.Contains([]jetstream.ErrorCode{codeNoStorage, codeNoMemory}, refusal.ErrorCode), noStorage(refusal):
		return "allow the account or its servers more storage (max_store, max_file_store), remove what nobody needs" + bound
	case refusal.ErrorCode == codeAccountFull:
		return "allow the account more storage (max_store), or remove what nobody needs"
	case refusal.ErrorCode == codeStreamFull:
		return "the stream holds all that it may: make it larger (nats stream edit NAME --max-bytes SIZE, or --max-bytes for new ones)"
	}
	return ""
}

// noStorage reports whether a cluster found no servers for a stream because they have too little storage left.
func noStorage(refusal *jetstream.APIError) bool {
	return refusal.ErrorCode == codeNoPeers && strings.Contains(refusal.Description, "insufficient storage")
}

// streamsUsed says how many streams the account has and may have, if it can be learned.
func (b *Bus) streamsUsed(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, hastyWait)
	defer cancel()
	info, err := b.js.AccountInfo(ctx)
	if err != nil || info.Limits.MaxStreams <= 0 {
		return ""
	}
	return fmt.Sprintf("the account has %d of %d: ", info.Streams, info.Limits.MaxStreams)
}
