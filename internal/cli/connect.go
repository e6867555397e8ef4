package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"jetreduce/bus"
)

// serverFlag says which NATS server to use.
type serverFlag struct{ url string }

func (f *serverFlag) register(cmd *cobra.Command, otherwise string) {
	cmd.Flags().StringVar(&f.url, "server", "", "`URL` of the NATS server, or NATS_URL ("+otherwise+")")
}

// unsupported are the variables by which the nats command is told how to identify itself.
var unsupported = []string{
	"NATS_CREDS", "NATS_USER", "NATS_PASSWORD", "NATS_TOKEN", "NATS_NKEY", "NATS_CERT", "NATS_KEY", "NATS_CA",
}

// named is the server that the user has named, or "".
func (f *serverFlag) named() (string, error) {
	url := f.url
	if url == "" {
		url = os.Getenv("NATS_URL")
	}
	if url == "" {
		return "", checkContext()
	}
	return url, checkIdentity()
}

// checkContext refuses a context that would name the server: another must not be used in its place.
func checkContext() error {
	if os.Getenv("NATS_CONTEXT") == "" {
		return nil
	}
	return usageError{errors.New("NATS_CONTEXT is set, and contexts are not supported yet: name the server with --server or NATS_URL")}
}

// checkIdentity refuses what would be ignored: the server would be used as somebody else, or without TLS.
func checkIdentity() error {
	var set []string
	for _, variable := range unsupported {
		if os.Getenv(variable) != "" {
			set = append(set, variable)
		}
	}
	if len(set) == 0 {
		return nil
	}
	names := strings.Join(set, " ")
	return usageError{fmt.Errorf("set, and not supported yet: %s: `unset %s`; a user may stand in the URL, nats://USER:PASSWORD@HOST:PORT",
		names, names)}
}

// orDefault is the server to use when one must be.
func (f *serverFlag) orDefault() (string, error) {
	url, err := f.named()
	if err != nil || url != "" {
		return url, err
	}
	return "nats://" + bus.DefaultAddr, checkIdentity()
}

// desk connects a command to a server on which jetreduce is set up, and calls use.
func (f *serverFlag) desk(ctx context.Context, log *slog.Logger, use func(ctx context.Context, b *bus.Bus) error) error {
	url, err := f.orDefault()
	if err != nil {
		return err
	}
	err = connected(ctx, bus.ConnectConfig{URL: url, Name: "jetreduce client", Log: log}, use)
	if errors.Is(err, bus.ErrNoServer) {
		err = fmt.Errorf("%w; embedded runs are not listed", err)
	}
	return err
}

// connected calls use with a bus over a connection of its own, on which jetreduce is set up.
func connected(ctx context.Context, c bus.ConnectConfig, use func(ctx context.Context, b *bus.Bus) error) error {
	check := func(ctx context.Context, b *bus.Bus) error { return b.Check(ctx) }
	return overBus(ctx, c, check, use)
}

// overBus calls use with a bus over a connection of its own, once it has been made ready.
func overBus(ctx context.Context, c bus.ConnectConfig, ready, use func(ctx context.Context, b *bus.Bus) error) error {
	nc, err := bus.Connect(ctx, c)
	if err != nil {
		return err
	}
	defer nc.Close()
	b, err := bus.New(nc, "")
	if err != nil {
		return err
	}
	if err := ready(ctx, b); err != nil {
		return fmt.Errorf("use the bus at %s: %w", c.Address(), err)
	}
	return use(ctx, b)
}

// quiet is the log of a command that has words of its own for what goes wrong.
func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
