package bus

import "github.com/nats-io/nats.go"

// Connected reports whether the bus is connected right now. It asks nobody.
func (b *Bus) Connected() bool { return b.nc.Status() == nats.CONNECTED }
