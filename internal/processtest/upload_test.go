package processtest_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/internal/processtest"
)

// meter is a wire to the bus that counts what clients send, and lets so many bytes through.
type meter struct {
	net.Listener
	sent atomic.Int64
	most int64 // 0: all
	ends sync.WaitGroup
}

func newMeter(t *testing.T, target string, most int64) *meter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &meter{Listener: listener, most: most}
	m.ends.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			m.ends.Go(func() { m.link(client, target) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		m.ends.Wait()
	})
	return m
}

// link passes on what a client sends, as long as it may, and all that it is told.
func (m *meter) link(client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	m.ends.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	from := io.Reader(io.TeeReader(client, counter{&m.sent}))
	if m.most > 0 {
		from = io.LimitReader(from, m.most)
	}
	if _, err := io.Copy(server, from); err == nil && m.most > 0 {
		_, _ = io.Copy(io.Discard, client) // it is held: until the client is gone
	}
}

type counter struct{ *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.Add(int64(len(p)))
	return len(p), nil
}

// uploading starts `jetreduce run` of a file through a wire.
func uploading(c *cluster, m *meter, id, file string) *processtest.Process {
	out := filepath.Join(c.Dir(), "out-"+id)
	return c.Command("run", "--server", "nats://"+m.Addr().String(), "--id", id, "wordcount", file, "-o", out, "--force")
}

// stored is how many bytes of messages the uploads on the bus have.
func stored(t *testing.T, url string) (bytes uint64, uploads int) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for info := range js.ListStreams(t.Context()).Info() {
		if strings.HasPrefix(info.Config.Name, "JETREDUCE_INPUT_") {
			bytes, uploads = bytes+info.State.Bytes, uploads+1
		}
	}
	return bytes, uploads
}

const carriedBytes = 48 << 20 // several times what a client sends again when its connection breaks, some 8 MiB

func bigFile(t *testing.T, c *cluster) (path string, lines []string) {
	t.Helper()
	lines = processtest.Lines(33, carriedBytes/800, 100, 1000)
	path = filepath.Join(c.Dir(), "big.txt")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, lines
}

// killedMidway uploads about half of the file, and is killed.
func killedMidway(t *testing.T, c *cluster, id, file string) {
	t.Helper()
	half := newMeter(t, strings.TrimPrefix(c.URL(), "nats://"), carriedBytes/2)
	client := uploading(c, half, id, file)
	processtest.AwaitTrue(t, "half of the file to be stored", func() bool {
		bytes, _ := stored(t, c.URL())
		return bytes > carriedBytes/2-2<<20
	})
	client.Kill()
}

func checkOutput(t *testing.T, c *cluster, id string, lines []string) {
	t.Helper()
	if got, err := os.ReadFile(filepath.Join(c.Dir(), "out-"+id)); err != nil || string(got) != processtest.Count(lines) {
		t.Errorf("the result has %d bytes, want %d, %v", len(got), len(processtest.Count(lines)), err)
	}
}

// Promise: the upload of a client that is killed is gone on with, by the same command. A file that has changed is carried anew.
func TestUploadOfAKilledClientIsGoneOnWith(t *testing.T) {
	t.Parallel()
	c := newCluster(t, false, 1)
	c.Worker(2)
	file, lines := bigFile(t, c)
	killedMidway(t, c, "same", file)
	before, _ := stored(t, c.URL())
	rest := newMeter(t, strings.TrimPrefix(c.URL(), "nats://"), 0)
	mark := c.Mark()
	uploading(c, rest, "same", file).Output()
	if sent := rest.sent.Load(); sent > carriedBytes-int64(before)+1<<20 {
		t.Errorf("%d bytes were sent of %d, of which %d were there", sent, carriedBytes, before)
	}
	if !saidOfUpload(c, mark) {
		t.Error("nobody was told that the upload goes on")
	}
	checkOutput(t, c, "same", lines)

	killedMidway(t, c, "other", file)
	lines[0] = strings.ToUpper(lines[0][:1]) + lines[0][1:] // as many bytes
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	all := newMeter(t, strings.TrimPrefix(c.URL(), "nats://"), 0)
	uploading(c, all, "other", file).Output()
	if sent := all.sent.Load(); sent < carriedBytes {
		t.Errorf("%d bytes were sent of a file that has changed, of %d", sent, carriedBytes)
	}
}

func saidOfUpload(c *cluster, mark int) bool {
	for _, line := range c.Lines()[mark:] {
		if strings.HasPrefix(line.Message, "jetreduce: goes on with an upload of ") {
			return true
		}
	}
	return false
}

// Promise: two clients that run the same command at once are one job, and both have the result.
func TestTwoClientsWithOneIDAreOneJob(t *testing.T) {
	t.Parallel()
	c := newCluster(t, false, 1)
	c.Worker(2)
	file, lines := bigFile(t, c)
	var clients []*processtest.Process
	for i := range 2 {
		clients = append(clients, c.Command("run", "--id", "both", "wordcount", file, "-o", filepath.Join(c.Dir(), fmt.Sprintf("out-%d", i))))
	}
	for i, client := range clients {
		client.Output()
		checkOutput(t, c, fmt.Sprint(i), lines)
	}
}
