package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"
)

// DefaultAddr is where the bus of a machine listens unless told otherwise, as every nats-server does.
const DefaultAddr = "127.0.0.1:4222"

// ServeConfig says which bus to host, and where.
type ServeConfig struct {
	Store string // the directory
	Addr  string // host:port; "": where the last host listened, else First
	First string // host:port where nobody ever has, port 0 for any; "": DefaultAddr
	Room  int64  // as HostConfig
	Log   *slog.Logger

	TLS      TLS    // as HostConfig
	Config   string // as HostConfig; says where to listen, too, unless Addr does
	Insecure bool   // others than this machine may be listened to without TLS

	free    func(dir string) (int64, error) // as HostConfig
	trouble func(what string)               // may be nil; is told what is wrong and waited out, "" when nothing is any more
}

// Serve hosts the bus of a store until ctx ends or the server gives up, and calls ready with its URL. It hosts or fails:
// another host of the store, or anything else that listens at the address, is an error that names it.
func Serve(ctx context.Context, c ServeConfig, ready func(url string)) error {
	store, err := OpenBusStore(c.Store)
	if err != nil {
		return err
	}
	return errors.Join(c.serveAlone(ctx, store, ready), store.Close())
}

func (c ServeConfig) serveAlone(ctx context.Context, store *BusStore, ready func(url string)) error {
	c, err := c.settled()
	if err != nil {
		return err
	}
	addr, err := c.listenAt()
	if err != nil {
		return err
	}
	other, err := c.found(ctx, addr)
	if err == nil && other != nil {
		err = fmt.Errorf("another nats-server (%q) listens at %s: stop it, or name another address with --addr", other.Name, addr)
	}
	if ctx.Err() != nil || err != nil {
		return unlessEnded(ctx, err)
	}
	return c.serve(ctx, store, addr, func(listens string) { ready(fromHere(listens)) })
}

// listenAt is the address of a bus that nobody hosts. Clients that wait for it know where it was; whoever names another
// in so many words means it.
func (c ServeConfig) listenAt() (string, error) {
	if c.Addr != "" {
		return c.Addr, nil
	}
	listens, err := BusAddress(c.Store)
	if errors.Is(err, os.ErrNotExist) {
		return cmp.Or(c.First, DefaultAddr), nil
	}
	return hostPort(listens), err
}

// settled is the same with what its file says of it.
func (c ServeConfig) settled() (ServeConfig, error) {
	o, lines, err := c.host(c.Store, "").fromFile()
	if err != nil || lines == nil {
		return c, err
	}
	for _, line := range listenLines {
		if c.Addr != "" && lines.at(line) != nil {
			return c, refusedLine(line, "--addr says where to listen")
		}
	}
	c.Addr = cmp.Or(c.Addr, lines.addr(o))
	if c.Room == 0 {
		c.Room = max(0, o.JetStreamMaxStore) // else a full bus would be started again and again, for more room than it may have
	}
	return c, nil
}

// hostPort is the address in a URL that BusAddress has checked.
func hostPort(listens string) string {
	u, err := url.Parse(listens)
	if err != nil {
		return ""
	}
	return u.Host
}

// settleWait is how long a killed host may hold its port when it has let go of its lock: moments, on a machine that
// breathes.
const settleWait = 5 * time.Second

// found returns the nats-server at an address where, since we hold the lock, none of ours listens; nil: the address is
// free. What listens and is none is an error.
func (c ServeConfig) found(ctx context.Context, addr string) (*greeting, error) {
	if _, port, err := net.SplitHostPort(addr); err == nil && port == "0" {
		return nil, nil
	}
	addr = hostPort(fromHere("nats://" + addr))
	for start := time.Now(); ; {
		g, err := knock(ctx, addr)
		switch {
		case err == nil:
			return &g, nil
		case errors.Is(err, errNobody):
			return nil, nil
		case !errors.Is(err, errHungUp) || time.Since(start) > settleWait:
			return nil, fmt.Errorf("host the bus at %s: %w: stop it, or name another address with --addr", addr, err)
		}
		if err := wait(ctx, pollEvery); err != nil {
			return nil, err
		}
	}
}

// serve hosts from a store that we hold.
func (c ServeConfig) serve(ctx context.Context, store *BusStore, addr string, ready func(listens string)) error {
	if err := c.mayServe(store); err != nil { // before anything of it is touched
		return err
	}
	if err := c.leave(store, addr); err != nil {
		return err
	}
	for {
		host, err := c.start(ctx, store, addr)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		addr = hostPort(host.listens)
		if err = errors.Join(c.noteGuards(store), store.setAddress(host.listens)); err == nil {
			c.makeInbox(ctx, host)
			c.Log.Info("hosting the bus", "address", host.listens, "store", store.Dir())
			ready(host.listens)
			err = c.guard(ctx, host)
		}
		host.Close()
		if !errors.Is(err, errMoreRoom) {
			return err
		}
		ready = func(string) {} // all know it
	}
}

// mayServe refuses a store that must not be served this way.
func (c ServeConfig) mayServe(store *BusStore) error {
	if err := c.checkGuarded(store); err != nil {
		return err
	}
	return c.checkAuthor(store)
}

// leave forgets where the bus was when it is to be elsewhere, or others would look for it there.
func (c ServeConfig) leave(store *BusStore, addr string) error {
	if was, err := BusAddress(c.Store); err == nil && hostPort(was) != addr {
		return store.forgetAddress()
	}
	return nil
}

// inboxWait is how long a bus may take to make a stream.
const inboxWait = 5 * time.Second

// makeInbox makes a place for submitted jobs, so that they can be stored before a coordinator has ever run. A bus with a configuration of
// its own may have logins, or be one of a cluster: there the coordinator makes it.
func (c ServeConfig) makeInbox(ctx context.Context, host *Host) {
	if c.Config != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, inboxWait)
	defer cancel()
	nc, err := host.Connect(nats.DisconnectErrHandler(func(*nats.Conn, error) {})) // it is closed at once
	if err == nil {
		defer nc.Close()
		var b *Bus
		if b, err = New(nc, ""); err == nil {
			err = b.makeInbox(ctx)
		}
	}
	if err != nil && ctx.Err() == nil {
		c.Log.Warn("jobs cannot be stored before a coordinator has run", "cause", err)
	}
}

// errMoreRoom: a bus that is full would have more room if it were started again: its limit is that of when it was.
var errMoreRoom = errors.New("there is more room on the disk than when the bus was started")

// start starts the server. A port that is taken while nobody answers there is about to be free.
func (c ServeConfig) start(ctx context.Context, store *BusStore, addr string) (*Host, error) {
	for start := time.Now(); ; {
		host, err := StartHost(c.host(store.Dir(), addr))
		if !errors.Is(err, unix.EADDRINUSE) || time.Since(start) > settleWait {
			return host, err
		}
		if err := wait(ctx, pollEvery); err != nil {
			return nil, err
		}
	}
}

func (c ServeConfig) host(dir, addr string) HostConfig {
	return HostConfig{
		Store: dir, Addr: addr, Durable: true, Room: c.Room, Log: c.Log, TLS: c.TLS, Config: c.Config, free: c.free,
		Insecure: c.Insecure,
	}
}

// guard notices a server that has given up, which its clients would only feel as silence. One that is full has not.
func (c ServeConfig) guard(ctx context.Context, host *Host) error {
	room := fullness{log: c.Log, trouble: c.trouble}
	for looks := 1; wait(ctx, 250*time.Millisecond) == nil; looks++ {
		if err := host.GaveUp(); err != nil {
			return fmt.Errorf("the bus in %s gave up: %w", c.Store, err)
		}
		room.look(host)
		if room.full && looks%8 == 0 && c.host(c.Store, "").roomier(host) { // it reads the whole store: not at each look
			c.Log.Info("the disk has more room: the bus is started again, to use it")
			room.turn(false, "")
			return errMoreRoom
		}
	}
	return nil
}

// unlessEnded drops what comes of the end of ctx.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
