package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// interruption is what comes of signals: the first ends a context, the second leaves the process at once.
type interruption struct {
	words io.Writer      // told of the first, if it is a terminal
	grace time.Duration  // a second one so soon is the first: some send a signal to the process and then to its group
	leave func(code int) // ends the process

	signals chan os.Signal
	done    chan struct{} // closed when nobody listens any more
}

// interruptible returns a context that the first interrupt ends. A broken pipe becomes an error of the write that meets
// it, so that whoever writes can clean up.
func interruptible(parent context.Context, i interruption) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	i.signals, i.done = make(chan os.Signal, 2), make(chan struct{})
	pipe := make(chan os.Signal, 1)
	signal.Notify(i.signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(i.signals, syscall.SIGHUP)
	}
	signal.Notify(pipe, syscall.SIGPIPE)
	go func() {
		if i.first() {
			cancel(errInterrupted)
			i.second(time.Now())
		}
	}()
	return ctx, func() {
		signal.Stop(i.signals)
		signal.Stop(pipe)
		close(i.done)
		cancel(nil)
	}
}

// first waits for a signal, and reports whether one came.
func (i interruption) first() bool {
	select {
	case <-i.signals:
	case <-i.done:
		return false
	}
	if file, ok := i.words.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprintln(i.words, "jetreduce: stopping; once more to leave at once")
	}
	return true
}

// second leaves the process with the signal that comes after the grace.
func (i interruption) second(first time.Time) {
	for {
		select {
		case <-i.signals:
			if time.Since(first) >= i.grace {
				i.leave(exitInterrupted)
			}
		case <-i.done:
			return
		}
	}
}
