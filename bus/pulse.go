package bus

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// Pulse carries heartbeats: worker.Pulse.
type Pulse struct{ bus *Bus }

// Pulse is the pulse on this bus.
func (b *Bus) Pulse() *Pulse { return &Pulse{b} }

// OnRoll calls answer whenever a leader asks who is there, until stop is called.
func (p *Pulse) OnRoll(answer func()) (stop func(), err error) {
	sub, err := p.bus.nc.Subscribe(p.bus.names.roll(), func(*nats.Msg) { answer() })
	if err != nil {
		return nil, fmt.Errorf("listen for the roll: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

// OnOver calls end whenever a leader says that a submission or a task is over, until stop is called.
func (p *Pulse) OnOver(end func(over mapreduce.Over)) (stop func(), err error) {
	sub, err := p.bus.nc.Subscribe(p.bus.names.over(), func(msg *nats.Msg) {
		var over mapreduce.Over
		if over.UnmarshalText(msg.Data) == nil { // whoever says anything else is not the leader
			end(over)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listen for ends: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}

// Beat sends a heartbeat. It may be lost.
func (p *Pulse) Beat(beat mapreduce.Beat) error {
	data, err := json.Marshal(beat)
	if err != nil {
		return fmt.Errorf("encode heartbeat: %w", err)
	}
	return p.bus.nc.Publish(p.bus.names.beat(beat.Worker), data)
}
