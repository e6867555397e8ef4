package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"jetreduce/bus"
)

// busAt is a server, how to reach it, and the prefix under which jetreduce lives there. The zero value is no server.
type busAt struct {
	connect bus.ConnectConfig
	prefix  string    // "": the usual one
	words   io.Writer // where a command says what must be said at once
	shape   bus.Shape // of what is made there
}

// none reports whether no server is named.
func (b busAt) none() bool { return b.connect.URL == "" }

// as is the server for a client of this name. Each role has inboxes of its own, unless the user names others.
func (b busAt) as(name string, log *slog.Logger) busAt {
	b.connect.Name, b.connect.Log = name, log
	if b.connect.InboxPrefix == "" {
		b.connect.InboxPrefix = bus.Inbox(b.prefix, bus.RoleOf(name))
	}
	return b
}

// at is another server with the same prefix: one of this machine, that asks for no login.
func (b busAt) at(url string) busAt {
	b.connect.URL = url
	return b
}

// named is the server that the user has named, or none: then only the prefixes hold.
func (f *serverFlag) named() (busAt, error) { return f.reach("") }

// orDefault is the server to use when one must be.
func (f *serverFlag) orDefault() (busAt, error) { return f.reach(defaultURL) }

// reach is the server that the user has named, or else another one. Of none, nobody looks at the login.
func (f *serverFlag) reach(otherwise string) (b busAt, err error) {
	b.words = f.cmd.ErrOrStderr()
	if err := f.checkEmpty(); err != nil {
		return b, err
	}
	if b.prefix, err = f.prefixed(); err != nil {
		return b, err
	}
	t, err := f.told()
	if err != nil {
		return b, err
	}
	if t.url.by == "" && otherwise == "" {
		b.connect, err = told{inbox: t.inbox}.config()
		return b, err
	}
	if err := checkForeign(); err != nil {
		return b, err
	}
	if t.url.by == "" {
		t.url = word{value: otherwise}
	}
	b.connect, err = t.config()
	return b, err
}

// desk connects a command to a server on which jetreduce is set up, and calls use.
func (f *serverFlag) desk(ctx context.Context, log *slog.Logger, use func(ctx context.Context, b *bus.Bus) error) error {
	at, err := f.orDefault()
	if err != nil {
		return err
	}
	err = connected(ctx, at.as("jetreduce client", log), use)
	if errors.Is(err, bus.ErrNoServer) {
		err = fmt.Errorf("%w; embedded runs are not listed", err)
	}
	return err
}

// daemon connects a daemon to a server, patiently, waits until jetreduce is set up there, and runs its role.
func (f *serverFlag) daemon(ctx context.Context, name string, log *slog.Logger, role func(ctx context.Context, b *bus.Bus) error) error {
	at, err := f.orDefault()
	if err != nil {
		return err
	}
	return use(ctx, at.as(name, log), false, role)
}

// connected calls use with a bus over a connection of its own, on which jetreduce is set up.
func connected(ctx context.Context, at busAt, use func(ctx context.Context, b *bus.Bus) error) error {
	check := func(ctx context.Context, b *bus.Bus) error { return b.Check(ctx) }
	return overBus(ctx, at, check, use)
}

// overBus calls use with a bus over a connection of its own, once it has been made ready.
func overBus(ctx context.Context, at busAt, ready, use func(ctx context.Context, b *bus.Bus) error) error {
	nc, err := bus.Connect(ctx, at.connect)
	if err != nil {
		return err
	}
	defer nc.Close()
	if bus.Exposed(nc) {
		at.warn("a password or a token goes to another machine over a connection that is not encrypted: give the server TLS, " +
			"or log in with --creds or --nkey")
	}
	b, err := bus.New(nc, at.prefix)
	if err != nil {
		return err
	}
	if err := ready(ctx, b); err != nil {
		return fmt.Errorf("use the bus at %s: %w", at.where(), err)
	}
	return at.connect.Ended(nc, use(ctx, b))
}

// asIs makes nothing ready: of a bus on which nobody may have set up anything.
func asIs(context.Context, *bus.Bus) error { return nil }

// where is the server and the prefix, if it is another than the usual one.
func (b busAt) where() string {
	if b.prefix == "" {
		return b.connect.Address()
	}
	return fmt.Sprintf("%s (prefix %s)", b.connect.Address(), b.prefix)
}

// warn says something once: a daemon to its log, a command to standard error.
func (b busAt) warn(text string) {
	if b.connect.Wait || b.words == nil {
		b.connect.Log.Warn(text, "server", b.connect.Address())
		return
	}
	fmt.Fprintf(b.words, "jetreduce: %s: %s\n", b.connect.Address(), text)
}

// quiet is the log of a command that has words of its own for what goes wrong.
func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
