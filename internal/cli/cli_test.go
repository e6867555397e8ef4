package cli

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jetreduce/mapreduce"
)

func TestSecondInterruptLeavesAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	left := make(chan int, 1)
	ctx, stop := interruptible(context.Background(), interruption{words: io.Discard, leave: func(code int) { left <- code }})
	defer stop()
	interrupt(t)
	within(t, ctx.Done(), "the first interrupt ends nothing")
	if err := context.Cause(ctx); !errors.Is(err, errInterrupted) {
		t.Errorf("the cause is %v", err)
	}
	select {
	case code := <-left:
		t.Fatalf("the first interrupt left with %d", code)
	default:
	}
	interrupt(t)
	select {
	case code := <-left:
		if code != exitInterrupted {
			t.Errorf("left with %d, want %d", code, exitInterrupted)
		}
	case <-time.After(time.Minute):
		t.Error("the second interrupt did not leave")
	}
}

func interrupt(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T, done <-chan struct{}, complaint string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal(complaint)
	}
}

func TestExitCodesSayWhatKindOfEndItWas(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("disk on fire"), 1},
		{usageError{errors.New("no such flag")}, 2},
		{failedJob{"bad input"}, 3},
		{errors.Join(errTimeout, errors.New("late")), 4},
		{errInterrupted, 130},
	} {
		if got := exitCode(c.err); got != c.code {
			t.Errorf("%v ends with %d, want %d", c.err, got, c.code)
		}
	}
}

func TestSizesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "4096": 4096, "64K": 65536, "64k": 65536, "64KiB": 65536, "1M": 1 << 20, "2GB": 2 << 30, "3T": 3 << 40,
		"0": 0, "-1": 0, "": 0, "K": 0, "1.5M": 0, "1X": 0, "1KK": 0, "9999999999999999999": 0, "9000000T": 0,
	} {
		var s size
		err := s.Set(text)
		if (err == nil) != (want > 0) || err == nil && int64(s) != want {
			t.Errorf("%q is %d, %v; want %d", text, s, err, want)
		}
	}
}

func TestMemoryIsThatOfTheMachineOrItsLimit(t *testing.T) {
	if got := machineMemory("MemFree: 1 kB\nMemTotal:       2048 kB\n", 7); got != 2<<20 {
		t.Errorf("got %d", got)
	}
	for text, want := range map[string]int64{"max\n": 7, "4096\n": 4096, "": 7, "-1": 7} {
		if got := limit(text, 7); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func TestProgressSaysWhatAJobWaitsFor(t *testing.T) {
	waiting := mapreduce.Status{State: mapreduce.Planning, Waiting: "no worker has been heard of"}
	if got := headline(waiting); got != "planning: waiting for no worker has been heard of" {
		t.Error(got)
	}
	mapping := mapreduce.Status{State: mapreduce.Mapping, Maps: mapreduce.Progress{Total: 4, Done: 3}, Reduces: mapreduce.Progress{Total: 2}}
	if got := headline(mapping); got != "mapping: maps 3/4, reduces 0/2" {
		t.Error(got)
	}
}
