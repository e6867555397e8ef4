package processtest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"jetreduce/internal/original"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// Promise: original workers, unmodified and as many as one likes, count exactly, whatever the blobs.
func TestOriginalWorkersCountExactly(t *testing.T) {
	for _, c := range []struct{ workers, blob int }{{1, 64}, {4, 1024}, {16, 1000}, {4, 65536}, {2, 1 << 20}} {
		t.Run(fmt.Sprintf("%d workers, blobs of %d", c.workers, c.blob), func(t *testing.T) {
			t.Parallel()
			p := openPort(t, c.blob, processtest.Lines(1, 200, 100, 3000))
			p.hire(c.workers, original.Worker{}) // they wait for a coordinator
			p.exact(p.coordinator(serves))
		})
	}
}

// Promise: native workers and original ones share a job, and a worker of ours may speak the original protocol.
func TestOriginalAndNativeWorkersShareAJob(t *testing.T) {
	t.Parallel()
	p := openPort(t, 256, processtest.Lines(2, 400, 100, 3000))
	gate := p.turnstile(1)
	p.hire(2, original.Worker{Heard: gate.pass})
	c := p.coordinator(serves)
	gate.awaitFull()
	p.NativeWorker(p.store(), 1)
	_, number, _ := net.SplitHostPort(p.addr)
	tcp := p.OriginalWorker("--id", "9", "--hostname", "127.0.0.1", "--port", number)
	gate.open()
	p.exact(c)
	tcp.Kill()
}

// Promise: a worker that dies, again and again, costs nothing but time.
func TestOriginalWorkersThatDieChangeNothing(t *testing.T) {
	t.Parallel()
	p := openPort(t, 512, processtest.Lines(3, 500, 100, 3000))
	c := p.coordinator(serves)
	var mu sync.Mutex
	luck := rand.New(rand.NewPCG(3, 3))
	p.hire(4, original.Worker{Lie: func(_ string, reply []byte) ([]byte, bool) {
		mu.Lock()
		defer mu.Unlock()
		switch luck.IntN(100) {
		case 0:
			return nil, false // before it replies
		case 1:
			return reply[:len(reply)/2], false // in the middle
		case 2:
			return reply, false // behind it
		}
		return reply, true
	}})
	p.exact(c)
}

// reference is a text and its exact counts, which stand beside this project where it is worked on.
func reference(t *testing.T, name string) string {
	t.Helper()
	shared := filepath.Join("..", "..", "..", "shared", "data")
	text, err := filepath.Abs(filepath.Join(shared, name+".txt"))
	if err == nil {
		_, err = os.Stat(text)
	}
	if err != nil {
		t.Skipf("the reference texts are not beside this project: %v", err)
	}
	return text
}

// Promise: the reference texts are counted by original workers to the byte, however many, whatever the blobs, also beside native ones.
func TestOriginalWorkersCountTheReferenceTexts(t *testing.T) {
	for _, c := range []struct {
		name                  string
		workers, blob, native int
	}{
		{"raposa_e_as_uvas", 1, 64, 0}, {"sample", 4, 1024, 0}, {"hamlet", 1, 1024, 0}, {"hamlet", 16, 64, 0}, {"hamlet", 4, 65536, 1},
		{"lusiadas", 4, 1024, 0}, {"lusiadas", 16, 4096, 1}, {"lusiadas", 1, 65536, 0},
	} {
		t.Run(fmt.Sprintf("%s, %d workers, %d native, blobs of %d", c.name, c.workers, c.native, c.blob), func(t *testing.T) {
			t.Parallel()
			text := reference(t, c.name)
			p := openPort(t, c.blob, nil)
			p.args[1] = text
			leader := p.coordinator(serves)
			if c.native > 0 {
				p.NativeWorker(p.store(), c.native)
			}
			began := time.Now()
			p.hire(c.workers, original.Worker{})
			if code := leader.Exit(); code != 0 {
				t.Fatalf("exited with %d", code)
			}
			t.Logf("exact in %s, if nothing follows", time.Since(began).Round(time.Millisecond))
			mustEqual(t, p.out, strings.TrimSuffix(text, ".txt")+".csv")
		})
	}
}

func mustEqual(t *testing.T, got, want string) {
	t.Helper()
	have, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	expected, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, expected) {
		t.Errorf("%s has %d bytes and is not %s, which has %d", got, len(have), want, len(expected))
	}
}

// Promise: original workers do not keep from native ones what they cannot do.
func TestOriginalWorkersLeaveOtherProgramsToOthers(t *testing.T) {
	t.Parallel()
	c := &cluster{Machine: processtest.NewMachine(t)}
	c.bus = c.Bus()
	addr, err := processtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	leader := c.Coordinator("--tcp", addr)
	leader.Await("decides")
	leader.Await(serves)
	p := &port{Machine: c.Machine, t: t, addr: addr}
	t.Cleanup(p.crew.Wait)
	p.hire(8, original.Worker{})
	for range 8 {
		leader.Await("worker registered")
	}
	lines := processtest.Lines(12, 40, 10, 100)
	inputs := processtest.WriteLines(t, lines)
	alone := c.Submit(mapreduce.Job{ID: "alone", Program: "wordcount", Inputs: inputs, SplitSize: 1})
	checkResult(t, c.Machine, alone.Done(), processtest.Count(lines)) // they are enough
	c.Worker(1)
	c.Submit(mapreduce.Job{ID: "count", Program: "count", Inputs: inputs, SplitSize: 1}).Done()
	run := c.Submit(mapreduce.Job{ID: "words", Program: "wordcount", Inputs: inputs, SplitSize: 1})
	checkResult(t, c.Machine, run.Done(), processtest.Count(lines))
}
