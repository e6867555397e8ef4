package processtest_test

import (
	"context"
	"io"
	"math"
	"net"
	"strings"
	"sync"
	"testing"

	"jetreduce/internal/processtest"
)

// dam is a wire to the bus that holds what clients send when so many bytes have gone through, until it is raised.
type dam struct {
	net.Listener
	target string
	ctx    context.Context // ends with the test
	ends   sync.WaitGroup

	mu     sync.Mutex
	sent   int64
	level  int64
	raised chan struct{} // closed when the level is another
}

func newDam(t *testing.T, target string, level int64) *dam {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &dam{Listener: listener, target: target, ctx: ctx, level: level, raised: make(chan struct{})}
	d.ends.Go(d.serve)
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		d.ends.Wait()
	})
	return d
}

func (d *dam) serve() {
	for {
		client, err := d.Accept()
		if err != nil {
			return
		}
		d.ends.Go(func() { d.link(client) })
	}
}

// link passes on what a client sends, below the level, and all that it is told. It ends when one of both sides does.
func (d *dam) link(client net.Conn) {
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	defer client.Close()
	server, err := net.Dial("tcp", d.target)
	if err != nil {
		return
	}
	defer server.Close()
	defer context.AfterFunc(ctx, func() { _, _ = client.Close(), server.Close() })()
	d.ends.Go(func() {
		_, _ = io.Copy(client, server)
		cancel()
	})
	piece := make([]byte, 32<<10)
	for {
		n, err := client.Read(piece)
		if err != nil || !d.pass(ctx, int64(n)) {
			return
		}
		if _, err := server.Write(piece[:n]); err != nil {
			return
		}
	}
}

// pass waits until so many bytes more may go through.
func (d *dam) pass(ctx context.Context, n int64) bool {
	for {
		d.mu.Lock()
		fits, raised := d.sent < d.level, d.raised
		if fits {
			d.sent += n
		}
		d.mu.Unlock()
		if fits {
			return true
		}
		select {
		case <-raised:
		case <-ctx.Done():
			return false
		}
	}
}

func (d *dam) raise(level int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.level = level
	close(d.raised)
	d.raised = make(chan struct{})
}

func (d *dam) passed() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sent
}

// awaitStored waits until about so many bytes of the upload are stored.
func awaitStored(t *testing.T, c *cluster, bytes uint64) {
	t.Helper()
	processtest.AwaitTrue(t, "what came through to be stored", func() bool {
		there, _ := stored(t, c.URL())
		return there > bytes-2<<20
	})
}

// Promise: a client that carries a file goes on when the leader, and when the bus is killed and started again: the same command, without
// a word of it, and the result is exact. What was stored is not sent again.
func TestUploadOutlivesTheLeaderAndTheBus(t *testing.T) {
	t.Parallel()
	c := newCluster(t, false, 1)
	c.Worker(2)
	file, lines := bigFile(t, c)
	d := newDam(t, strings.TrimPrefix(c.URL(), "nats://"), carriedBytes/4)
	client := c.Command("run", "--server", "nats://"+d.Addr().String(), "--id", "outlives", "wordcount", file, "-o", c.Dir()+"/out-outlives")
	awaitStored(t, c, carriedBytes/4)
	c.leader().Kill()
	d.raise(carriedBytes / 2)
	awaitStored(t, c, carriedBytes/2) // nobody leads meanwhile
	c.Coordinator().Await("decides")
	c.bus.Kill()
	d.raise(math.MaxInt64)
	c.Bus()
	client.Output()
	checkOutput(t, c, "outlives", lines)
	checkSent(t, d)
}

// checkSent makes sure that a file was not carried anew when half of it was stored.
func checkSent(t *testing.T, d *dam) {
	t.Helper()
	if sent := d.passed(); sent > carriedBytes+carriedBytes*3/8 {
		t.Errorf("%d bytes were sent of a file of %d", sent, carriedBytes)
	}
}

// Promise: so it does when both are one process, and another coordinator takes both over.
func TestUploadOutlivesALeaderThatHostsTheBus(t *testing.T) {
	t.Parallel()
	c := newCluster(t, true, 2)
	c.Worker(2)
	file, lines := bigFile(t, c)
	d := newDam(t, strings.TrimPrefix(c.URL(), "nats://"), carriedBytes/2)
	client := c.Command("run", "--server", "nats://"+d.Addr().String(), "--id", "hosted", "wordcount", file, "-o", c.Dir()+"/out-hosted")
	awaitStored(t, c, carriedBytes/2)
	c.leader().Kill()
	d.raise(math.MaxInt64)
	client.Output()
	checkOutput(t, c, "hosted", lines)
	checkSent(t, d)
}
