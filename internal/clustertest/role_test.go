package clustertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/bus"
	"jetreduce/internal/proxy"
)

// Role is a part of a System that has a connection of its own, and can be hit alone. One goroutine uses it.
type Role struct {
	Name string

	t        testing.TB
	wire     wire
	work     func(ctx context.Context, b *bus.Bus, life string) error
	lives    int
	isolated bool
	life     *life
}

// life is a role between its start and its end.
type life struct {
	conn   *nats.Conn
	bus    *bus.Bus
	cancel context.CancelFunc
	over   chan error
	back   chan struct{} // holds one when the connection is a new one
}

// idle is the work of a role that does only what the test does with its bus.
func idle(ctx context.Context, _ *bus.Bus, _ string) error {
	<-ctx.Done()
	return nil
}

// start begins a life: a process with a name that no other has had.
func (r *Role) start() {
	r.t.Helper()
	r.lives++
	name := fmt.Sprintf("%s-%d", r.Name, r.lives)
	l := &life{over: make(chan error, 1), back: make(chan struct{}, 1)}
	l.conn = r.wire.connect(r.t, name, func(*nats.Conn) {
		select {
		case l.back <- struct{}{}:
		default:
		}
	})
	var err error
	if l.bus, err = bus.New(l.conn, ""); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, r.life = cancel, l
	go func() { l.over <- r.work(ctx, l.bus, name) }()
}

// Bus is the role's own.
func (r *Role) Bus() *bus.Bus { return r.life.bus }

// Isolate cuts the role off from all servers. What it says is lost, and when it is healed its connection is a new one.
func (r *Role) Isolate() {
	r.isolated = true
	r.wire.each((*proxy.Proxy).Cut)
}

// Pause freezes whatever of the role touches the bus. What it was about to say arrives late, when it is healed, and so does
// what it was told. Its own clock goes on: of a process that is stopped this is all that others can see.
func (r *Role) Pause() { r.wire.each((*proxy.Proxy).Cut) }

// Deafen lets through what the role says, and holds the answers.
func (r *Role) Deafen() { r.wire.each((*proxy.Proxy).CutAnswers) }

// Heal ends whatever was done to a role that lives. One that was isolated has a connection again when it returns.
func (r *Role) Heal() {
	r.t.Helper()
	if !r.isolated {
		r.wire.each((*proxy.Proxy).Heal)
		return
	}
	r.isolated = false
	r.life.noted()
	r.wire.each((*proxy.Proxy).Sever)
	r.wire.each((*proxy.Proxy).Heal)
	r.awaitBus()
}

// awaitBus waits until the connection is a new one.
func (r *Role) awaitBus() {
	r.t.Helper()
	select {
	case <-r.life.back:
	case <-time.After(Limit):
		r.t.Fatalf("%s does not find the bus again", r.Name)
	}
}

// noted forgets that the connection is a new one.
func (l *life) noted() {
	select {
	case <-l.back:
	default:
	}
}

// Kill ends the role without a good-bye: by the time that it is told to stop it has no connection, so that no lease is
// released, no task handed back, and nothing that it was about to say arrives.
func (r *Role) Kill() {
	r.wire.each((*proxy.Proxy).Sever)
	r.life.conn.Close() // or it would wait for the bus with its good-byes
	r.life.cancel()
	<-r.life.over // whatever it says of that
	r.life, r.isolated = nil, false
}

// Restart starts a role that was killed, as a new process.
func (r *Role) Restart() {
	r.t.Helper()
	r.wire.each((*proxy.Proxy).Heal)
	r.start()
}

// stop ends the role as its user would.
func (r *Role) stop() {
	if r.life == nil {
		return
	}
	r.Heal()
	r.life.cancel()
	if err := <-r.life.over; err != nil {
		r.t.Errorf("%s gave up: %v", r.Name, err)
	}
	r.life.conn.Close()
}

// Conn is the role's own.
func (r *Role) Conn() *nats.Conn { return r.life.conn }
