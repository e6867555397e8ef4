package onejob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// scene is a port of one machine, in this process: a bus, and a native worker.
type scene struct {
	t       *testing.T
	ctx     context.Context
	server  *bustest.Server
	program mapreduce.Program
	config  Config
}

func newScene(t *testing.T) *scene {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	s := &scene{t: t, ctx: ctx, server: bustest.StartBare(t)}
	must(t, s.server.Bus().SetUp(ctx, bus.SetUp{Classes: roles.Classes(), Results: true}))
	set, err := programs.NewSet(programs.Builtin()...)
	must(t, err)
	s.program, err = set.Find("wordcount")
	must(t, err)
	file := filepath.Join(t.TempDir(), "text")
	must(t, os.WriteFile(file, []byte("one and one"), 0o600))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, listener.Close())
	s.config = Config{
		File: file, Blob: 64, Addr: listener.Addr().String(), Claim: file + ".claim",
		Memory: 64 << 20, Scratch: t.TempDir(), Program: s.program, Log: bustest.Quiet(),
	}
	s.hire(set.Find)
	return s
}

// hire lets a native worker work until the test ends.
func (s *scene) hire(find func(string) (mapreduce.Program, error)) {
	s.t.Helper()
	working, stop := context.WithCancel(s.ctx)
	over := make(chan error, 1)
	native := roles.Worker{Bus: s.server.Bus(), Log: bustest.Quiet(), Slots: 1, Memory: 16 << 20, Scratch: s.t.TempDir(), Programs: find}
	go func() { over <- native.Run(working) }()
	s.t.Cleanup(func() {
		stop()
		must(s.t, <-over)
	})
}

// outcome is how a process ended.
type outcome struct {
	status mapreduce.Status
	err    error
}

// begin starts a process of the port.
func (s *scene) begin(name string, write func(io.Reader) error) <-chan outcome {
	c := s.config
	c.Name, c.Began, c.Write = name, time.Now(), write
	ended := make(chan outcome, 1)
	go func() {
		status, err := Run(s.ctx, s.server.Bus(), c)
		ended <- outcome{status, err}
	}()
	return ended
}

const counted = "and,1\r\none,2\r\n"

func writeTo(out *bytes.Buffer) func(io.Reader) error {
	return func(result io.Reader) error {
		_, err := out.ReadFrom(result)
		return err
	}
}

func (s *scene) expect(ended <-chan outcome, out *bytes.Buffer) {
	s.t.Helper()
	if o := <-ended; o.err != nil || o.status.State != mapreduce.Done || out.String() != counted {
		s.t.Errorf("%s, %v, output %q", o.status.State, o.err, out)
	}
}

// Whoever sees the end writes, whatever becomes of the others in the moment between the end and the output.
func TestEachProcessHasTheResultWhateverBecomesOfTheOthers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var one, two bytes.Buffer
	writes, dead := make(chan struct{}), errors.New("dead")
	failing := s.begin("failing", func(io.Reader) error {
		<-writes
		return dead
	})
	first := s.begin("first", func(result io.Reader) error {
		defer close(writes)
		return writeTo(&one)(result)
	})
	second := s.begin("second", writeTo(&two))
	s.expect(first, &one)
	s.expect(second, &two)
	if o := <-failing; !errors.Is(o.err, dead) {
		t.Errorf("one that cannot write ended with %v", o.err)
	}
}

// A result that a later start has removed is no result: who comes too late for it waits for what the later one counts.
func TestResultThatWasRemovedIsCountedAnew(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var out bytes.Buffer
	b, removed := s.server.Bus(), false
	leader := s.begin("leader", func(result io.Reader) error {
		if removed {
			return writeTo(&out)(result)
		}
		removed = true
		late, end := s.late(bustest.Quiet())
		if _, err := b.Desk().Remove(s.ctx, s.config.id()); err != nil {
			return err
		}
		return late.deliver(s.ctx, end) // it finds what this one finds, too
	})
	s.expect(leader, &out)
	left, err := os.ReadDir(s.config.Scratch)
	if err != nil || len(left) > 0 {
		t.Errorf("left in the scratch directory: %v, %v", left, err)
	}
}

// late is a process that is to write nothing, and how the job ended.
func (s *scene) late(log *slog.Logger) (*member, mapreduce.Status) {
	m := &member{Config: s.config, b: s.server.Bus()}
	m.Log, m.Write = log, func(io.Reader) error { return errors.New("there is nothing to write") }
	end, err := m.b.Desk().Ask(s.ctx, m.id())
	if err != nil || end == nil {
		s.t.Errorf("the job has ended, and is %v, %v", end, err)
		return m, mapreduce.Status{}
	}
	return m, *end
}

// A disk of this machine that cannot hold the result is no matter of the bus: it is not fetched again and again.
func TestResultThatThisMachineCannotHoldIsFetchedOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var out, said bytes.Buffer
	s.expect(s.begin("leader", func(result io.Reader) error {
		late, end := s.late(slog.New(slog.NewTextHandler(&said, nil)))
		closed, err := os.Create(filepath.Join(t.TempDir(), "closed"))
		if err = errors.Join(err, closed.Close()); err != nil {
			return err
		}
		if err := late.fetch(s.ctx, end, closed); !errors.As(err, new(localError)) || said.Len() > 0 {
			t.Errorf("%v, and it is said that %s", err, &said)
		}
		return writeTo(&out)(result)
	}), &out)
}

// Whose an error is, is told: of the file that is written, or of what is read.
func TestErrorOfTheFileIsToldFromThatOfTheResult(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	must(t, err)
	must(t, replace(file, strings.NewReader("what was there before")))
	broken := errors.New("the bus is gone")
	if err := replace(file, iotest.ErrReader(broken)); !errors.Is(err, broken) || errors.As(err, new(localError)) {
		t.Errorf("of the result: %v", err)
	}
	must(t, replace(file, strings.NewReader("all of it")))
	if text, err := io.ReadAll(file); err != nil || string(text) != "all of it" {
		t.Errorf("it holds %q, %v", text, err)
	}
	must(t, file.Close())
	if _, err := io.Copy(localWriter{file}, strings.NewReader("more")); !errors.As(err, new(localError)) {
		t.Errorf("of the file: %v", err)
	}
}

// What identifies the job is what is counted, and how: nothing of where it goes.
func TestJobIsItsFileAndItsBlobs(t *testing.T) {
	t.Parallel()
	c := Config{File: "/a", Blob: 64, Addr: "127.0.0.1:8765", Program: mapreduce.Program{Name: "wordcount"}}
	if !c.job().Output.OnBus() {
		t.Errorf("the result goes to %s", c.job().Output.To)
	}
	file, blob := c, c
	file.File, blob.Blob = "/b", 65
	for _, other := range []Config{file, blob} {
		if other.job().Same(c.job()) {
			t.Error(fmt.Sprintf("%s in %d", other.File, other.Blob), "is taken for the same")
		}
	}
}
