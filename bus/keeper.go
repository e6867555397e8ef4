package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Keeper keeps the bus of one machine alive, for processes that were told no server. There is one host at most, and the
// lock on the store decides who:
//
//	         ┌ free ─┬ nobody listens ──────▶ host: serves the store until it ends or gives up
//	lock? ───┤       └ a foreign server ────▶ guest: uses that one for good, never hosts
//	         └ busy ─────────────────────────▶ member: uses the host's; when the lock is free, host at the same address
//
// Safety comes from the lock alone, which the kernel frees when its holder has died, and never before: a host that is
// paused stops the bus, and nobody takes its place. That is said, and ended only when asked for (Fence).
type Keeper struct {
	c     KeeperConfig
	ready chan struct{} // closed when listens is known

	mu      sync.Mutex
	listens string // where the bus listens; set once
	trouble string
}

// KeeperConfig says which bus to keep alive.
type KeeperConfig struct {
	Store string // the directory
	// Addr is where to listen (host:port) when no process of the machine uses the bus yet; "": where the last host
	// listened, else DefaultAddr. The address of a bus in use never changes: its clients know no other.
	Addr  string
	First string // as ServeConfig
	// Private: nobody else is to use the bus, so that it need not be where it was the last time, and is never a stranger's: when
	// something else has the address, First is used.
	Private bool
	Fence   bool  // kill a host (SIGKILL) that listens and has not answered for 5 s; no kin of the epochs that fence writes
	Room    int64 // as HostConfig
	Log     *slog.Logger

	Insecure bool // as ServeConfig
}

// NewKeeper returns a keeper that does nothing until it runs.
func NewKeeper(c KeeperConfig) *Keeper { return &Keeper{c: c, ready: make(chan struct{})} }

// Run hosts, or watches who does, until ctx ends; then it lets go of the bus and returns nil. An error means that there
// is no bus to be had, or that the one that this process hosted has given up.
func (k *Keeper) Run(ctx context.Context) error {
	if err := checkOpen(k.c.Store); err != nil {
		return err
	}
	store, err := OpenBusStore(k.c.Store)
	if errors.Is(err, ErrStoreInUse) {
		store, err = k.member(ctx)
	}
	if err != nil || store == nil {
		return err
	}
	foreign, err := k.host(ctx, store)
	if err = errors.Join(err, store.Close()); err != nil || foreign == "" {
		return err
	}
	return k.guest(ctx, foreign)
}

// URL returns where to connect, as soon as somebody serves there. It never changes after that.
func (k *Keeper) URL(ctx context.Context) (string, error) {
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("wait for the bus: %w", context.Cause(ctx))
	case <-k.ready:
		return fromHere(k.inUse()), nil
	}
}

// Trouble says what is wrong with the bus and waited out; "" if nothing is.
func (k *Keeper) Trouble() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.trouble
}

func (k *Keeper) setTrouble(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trouble = what
}

// inUse is where the bus listens that this process has told others of; "" before that.
func (k *Keeper) inUse() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.listens
}

func (k *Keeper) announce(listens string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.listens == "" {
		k.listens = listens
		close(k.ready)
	}
}

func (k *Keeper) serving() ServeConfig {
	return ServeConfig{
		Store: k.c.Store, Addr: k.c.Addr, First: k.c.First, Room: k.c.Room, Log: k.c.Log, Insecure: k.c.Insecure, trouble: k.setTrouble,
	}
}

// host serves the store that this process holds. If a server that is none of ours has the address, it returns that instead.
func (k *Keeper) host(ctx context.Context, store *BusStore) (foreign string, err error) {
	c := k.serving()
	if known := k.inUse(); known != "" {
		c.Addr = hostPort(known)
	}
	addr, err := c.listenAt()
	if err != nil {
		return "", err
	}
	other, err := c.found(ctx, addr)
	if taken := other != nil || err != nil; taken && k.c.Private && k.inUse() == "" && ctx.Err() == nil {
		k.c.Log.Warn("another process has the address that the bus had the last time: it gets another", "address", addr)
		return "", c.serve(ctx, store, c.First, k.announce)
	}
	switch {
	case ctx.Err() != nil || err != nil:
		return "", unlessEnded(ctx, err)
	case other == nil:
		k.setTrouble("")
		return "", c.serve(ctx, store, addr, k.announce)
	case !other.JetStream:
		return "", fmt.Errorf("the nats-server at %s has no JetStream: start it with -js, or name another with --server", addr)
	case k.inUse() != "":
		return "", fmt.Errorf("the bus in %s has lost its address %s to another nats-server (%q): stop that one, or name it with --server",
			c.Store, addr, other.Name)
	}
	return "nats://" + addr, nil
}

// pollEvery is how often a member looks whether the lock is free: with it, a new host serves in a tenth of a second.
const pollEvery = 50 * time.Millisecond

// member uses the bus that another process hosts, until the lock is free; then it returns the store. Neither store nor
// error: ctx has ended.
func (k *Keeper) member(ctx context.Context) (*BusStore, error) {
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { (&hostWatch{Keeper: k}).run(watching) })
	defer watch.Wait()
	defer stop()
	for {
		store, err := OpenBusStore(k.c.Store)
		if !errors.Is(err, ErrStoreInUse) {
			return store, err
		}
		if err := k.moved(); err != nil {
			return nil, err
		}
		if wait(ctx, pollEvery) != nil {
			return nil, nil
		}
	}
}

// moved reports a bus whose new host was told another address while nobody but us used the old one.
func (k *Keeper) moved() error {
	now, err := BusAddress(k.c.Store)
	if known := k.inUse(); err == nil && known != "" && now != known {
		return fmt.Errorf("the bus in %s has moved from %s to %s: start again", k.c.Store, known, now)
	}
	return nil
}

// guest uses a server that is none of ours. When that dies nobody here takes its place: its streams are not in our store.
func (k *Keeper) guest(ctx context.Context, server string) error {
	k.c.Log.Info("using a nats-server that was there before", "address", server)
	k.announce(server)
	var away reminder
	for wait(ctx, watchEvery) == nil {
		_, err := knock(ctx, hostPort(fromHere(server)))
		switch {
		case ctx.Err() != nil:
		case err == nil && k.Trouble() != "":
			k.setTrouble("")
			k.c.Log.Info("nats-server answers again", "address", server)
			away = reminder{}
		case err != nil:
			k.setTrouble(fmt.Sprintf("the nats-server at %s does not answer (%v): only who started it can start it again", server, err))
			if away.due() {
				k.c.Log.Warn("nats-server does not answer", "address", server, "cause", err)
			}
		}
	}
	return nil
}
