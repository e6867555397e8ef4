package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == serveNATS {
		exit(natsServer(os.Args[2:]))
	}
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		os.Exit(2) // parse has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, o, os.Stdout, os.Stderr))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures what the options ask for: the outcome goes to out, what happens meanwhile to progress.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	if err := provide(ctx, o.peers, progress); err != nil {
		return err
	}
	results, err := measure(ctx, o, progress)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(out, results)
	}
	return writeTable(out, results)
}
