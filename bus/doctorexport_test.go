package bus

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// At is the same doctor on a machine whose clock is so far ahead.
func (d Doctor) At(ahead time.Duration) Doctor {
	d.now = func() time.Time { return time.Now().Add(ahead) }
	return d
}

// ReadVarz is what is read of a monitoring endpoint's answer.
var ReadVarz = readVarz

// ReadJSZ is what is read of a system account's answer.
var ReadJSZ = readJSZ

// LeaseAge is what is said of a lease to who looks now.
func LeaseAge(now time.Time, epoch, lease *jetstream.RawStreamMsg) (string, error) {
	seen, err := leadAt(now, epoch, lease)
	return seen.age(), err
}

// SyncSeen is what is read of either.
type SyncSeen = syncSeen
