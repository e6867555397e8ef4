// Package bustest gives a test a real nats-server inside its process, with all streams set up.
package bustest

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

// Class is the class of map and reduce tasks on the bus of a test.
const Class mapreduce.Class = "test"

// Server is a real server for one test.
type Server struct {
	t    testing.TB
	host *bus.Host
}

// Start starts a server on which everything is set up, and that ends with the test. AckWait is how patient its queue is.
func Start(t testing.TB, ackWait time.Duration) *Server {
	t.Helper()
	s := StartBare(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Bus().SetUp(ctx, bus.SetUp{Classes: []mapreduce.Class{Class}, AckWait: ackWait}); err != nil {
		t.Fatal(err)
	}
	return s
}

// StartBare starts a server on which nothing is set up.
func StartBare(t testing.TB) *Server {
	t.Helper()
	host, err := bus.StartHost(bus.HostConfig{Store: t.TempDir(), Log: Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Close)
	return &Server{t, host}
}

// Conn makes a connection that ends with the test.
func (s *Server) Conn() *nats.Conn {
	s.t.Helper()
	nc, err := s.host.Connect()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// Bus makes a bus over a connection of its own.
func (s *Server) Bus() *bus.Bus {
	s.t.Helper()
	b, err := bus.New(s.Conn(), "")
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// Quiet is a log that nobody reads.
func Quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
