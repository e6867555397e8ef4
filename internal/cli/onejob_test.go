package cli

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// A port that the user may not listen at is refused before anything is started; one that somebody has is waited for.
func TestPortThatMayNotBeListenedAtIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cause error
		code  int
	}{{syscall.EADDRINUSE, exitDone}, {syscall.EACCES, exitUsage}, {syscall.EADDRNOTAVAIL, exitOther}} {
		f := oneJobFlags{port: 80}
		err := f.tryPort(func(network, addr string) (net.Listener, error) {
			if network != "tcp" || addr != "127.0.0.1:80" {
				return nil, fmt.Errorf("listens at %s %s", network, addr)
			}
			return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", c.cause)}
		})
		if code := exitCode(err); code != c.code || code == exitUsage && !strings.Contains(err.Error(), "use a port from 1024 up") {
			t.Errorf("%v ends with %d (%v), want %d", c.cause, code, err, c.code)
		}
	}
	f := oneJobFlags{port: 80}
	var opened net.Listener
	err := f.tryPort(func(network, _ string) (listener net.Listener, err error) {
		listener, err = net.Listen(network, "127.0.0.1:0")
		opened = listener
		return listener, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := opened.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the trial was left open: %v", err)
	}
}

// The time that is summed up is the job's, however long the process has lived that says it.
func TestOneJobIsSummedUpWithItsOwnTime(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	since := time.Now().Add(-time.Hour)
	f := oneJobFlags{output: "out.csv"}
	err := f.sumUp(Terminal{Err: &said}, mapreduce.Program{Noun: "words"}, mapreduce.Status{
		Records: 5, Groups: 3, Since: since, Ended: since.Add(90 * time.Second),
	})
	if want := "5 words, 3 distinct, 90.0 s → out.csv\n"; err != nil || said.String() != want {
		t.Errorf("%q, %v; want %q", &said, err, want)
	}
}
