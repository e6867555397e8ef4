package onejob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"jetreduce/mapreduce"
)

// fetchTries is how often in a row a result may not be had from a bus that answers.
const fetchTries = 25

// deliver writes the result to where this process was told to. All of it is here, and was checked, before the first byte is written: a
// host of the bus that goes away meanwhile costs time, and never half an output.
func (m *member) deliver(ctx context.Context, end mapreduce.Status) error {
	whole, err := os.CreateTemp(m.Scratch, "jetreduce-result-*")
	if err != nil {
		return fmt.Errorf("fetch the result: %w", err)
	}
	defer func() { _ = whole.Close() }()
	if err := os.Remove(whole.Name()); err != nil { // it needs no name
		return fmt.Errorf("fetch the result: %w", err)
	}
	if err := m.fetch(ctx, end, whole); err != nil {
		return err
	}
	return m.Write(whole)
}

// localError is of a file of this machine: the bus has no part in it.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

// local is what an error of a file of this machine is.
func local(err error) error {
	if err == nil {
		return nil
	}
	return localError{err}
}

// fetch reads the result into a file, which stands at its beginning then. A result that was removed is mapreduce.ErrUnknownJob. What
// becomes of the bus is waited for; what this machine cannot hold is no better the next time.
func (m *member) fetch(ctx context.Context, end mapreduce.Status, whole *os.File) error {
	for tried := 1; ; tried++ {
		err := m.read(ctx, end, whole)
		if err == nil || ctx.Err() != nil || errors.As(err, new(localError)) {
			return err
		}
		status, unsure := m.b.Desk().Ask(ctx, m.id())
		switch {
		case unsure != nil: // the bus is away, or nobody leads
			tried = 0
		case status == nil || status.UID != end.UID:
			return fmt.Errorf("its result was removed: %w", mapreduce.ErrUnknownJob)
		case tried == fetchTries:
			return err
		}
		m.Log.Warn("the result cannot be fetched yet", "cause", err)
		if err := pass(ctx, askEvery); err != nil {
			return err
		}
	}
}

func (m *member) read(ctx context.Context, end mapreduce.Status, whole *os.File) error {
	result, err := m.b.Results().Fetch(ctx, end.UID, end.Output)
	if err != nil {
		return err
	}
	if err := errors.Join(replace(whole, result), result.Close()); err != nil {
		return fmt.Errorf("fetch the result: %w", err)
	}
	return nil
}

// replace has a file hold all that a reader has, and nothing else, and stand at its beginning.
func replace(whole *os.File, all io.Reader) error {
	_, err := whole.Seek(0, io.SeekStart)
	if err == nil {
		err = whole.Truncate(0)
	}
	if err != nil {
		return local(err)
	}
	if _, err := io.Copy(localWriter{whole}, all); err != nil {
		return err
	}
	_, err = whole.Seek(0, io.SeekStart)
	return local(err)
}

// localWriter tells its own errors from those of what it is copied from.
type localWriter struct{ io.Writer }

func (w localWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	return n, local(err)
}
