package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Lease is one process's hold on leadership: backup.Lease. Three keys of the state bucket belong to leadership:
//
//	epoch            compare-and-swap  its revision is the epoch; only a takeover writes it, since each write of it cuts
//	                                   the fence of whoever led
//	lease            under the epoch   each renewal, and the release
//	probe.<process>  free              each look of a standby (sight.go)
//
// It is safe for concurrent use.
type Lease struct {
	bus     *Bus
	process string
}

// Lease is the lease as this process holds it. The name is a token, [A-Za-z0-9_-]{1,64}; users see it, and nothing is
// decided by it.
func (b *Bus) Lease(process string) *Lease { return &Lease{b, process} }

// leaseRecord is what the lease key holds.
type leaseRecord struct {
	Version  int             `json:"v"`
	Epoch    mapreduce.Epoch `json:"epoch"`
	Holder   string          `json:"holder"`
	Released bool            `json:"released,omitempty"`
}

// Acquire wins an epoch: the revision of the epoch key, written by compare-and-swap. Whoever led before can write no
// state record any more. It fails with mapreduce.ErrDeposed when after does not stand any more.
func (l *Lease) Acquire(ctx context.Context, after mapreduce.Epoch) (mapreduce.Epoch, error) {
	if !mapreduce.ValidProcess(l.process) {
		return 0, invalid(l.process)
	}
	// No retry here: a lost answer leaves an epoch that nobody holds, and who looks again takes the one after it.
	subject := key(l.bus.names.state(), epochKey)
	ctx, heard := l.bus.denials.until(ctx, subject)
	defer heard()
	ack, err := l.bus.js.Publish(ctx, subject, []byte(l.process), jetstream.WithExpectLastSequencePerSubject(uint64(after)))
	if conflict(err) {
		return 0, fmt.Errorf("take epoch after %d: %w", after, mapreduce.ErrDeposed)
	}
	if err != nil {
		return 0, fmt.Errorf("take epoch after %d: %w", after, deniedOr(ctx, err))
	}
	return mapreduce.Epoch(ack.Sequence), nil
}

// Renew moves the revision of the lease.
func (l *Lease) Renew(ctx context.Context, epoch mapreduce.Epoch) error {
	return l.write(ctx, leaseRecord{Version: mapreduce.RecordVersion, Epoch: epoch, Holder: l.process})
}

// Release gives the lease back. The epoch stands, and its fence with it, until another is taken.
func (l *Lease) Release(ctx context.Context, epoch mapreduce.Epoch) error {
	return l.write(ctx, leaseRecord{Version: mapreduce.RecordVersion, Epoch: epoch, Holder: l.process, Released: true})
}

func (l *Lease) write(ctx context.Context, record leaseRecord) error {
	if _, err := l.bus.fenced(ctx, record.Epoch, leaseKey, record); err != nil {
		return fmt.Errorf("write lease: %w", err)
	}
	return nil
}

func invalid(process string) error {
	return mapreduce.Permanentf("process name %q: give it 1 to 64 letters, digits, - and _", process)
}
