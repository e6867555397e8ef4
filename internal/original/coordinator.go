package original

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"jetreduce/mapreduce"
)

// Coordinator is an original coordinator, of one job.
type Coordinator struct {
	Text []byte
	Blob int // characters of a blob; 0: 1024

	From int         // blobs that Held covers
	Held []Histogram // from which it goes on

	mu      sync.Mutex
	changed *sync.Cond
	todo    []job
	out     int // jobs handed out
	counted []Histogram
	ended   bool
	prefix  prefix
	backup  any // the address that the last one announced
}

// job is what a worker is asked for.
type job struct {
	index int    // of the blob
	blob  []byte // nil: a reduce
	two   []Histogram
}

// pause is how long a worker has between two messages.
const pause = 50 * time.Millisecond

// Run serves workers until the text is counted, and returns the counts.
func (c *Coordinator) Run(ctx context.Context, listener net.Listener) (map[string]int64, error) {
	c.changed = sync.NewCond(&c.mu)
	c.begin()
	var conns sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer conns.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, c.end)()
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { c.serve(ctx, conn) })
		}
	})
	defer func() { _ = listener.Close() }()
	return c.result()
}

func (c *Coordinator) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prefix = prefix{at: c.From, sum: map[string]int64{}, ahead: map[int]Histogram{}}
	for _, held := range c.Held {
		c.prefix.add(held)
		c.counted = append(c.counted, held)
	}
	rest, size := c.Text, c.Blob
	if size == 0 {
		size = 1024
	}
	for index := 0; len(rest) > 0; index++ {
		end := mapreduce.BlobEnd(rest, size, true)
		if index >= c.From {
			c.todo = append(c.todo, job{index: index, blob: rest[:end]})
		}
		rest = rest[end:]
	}
}

func (c *Coordinator) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.changed.Broadcast()
}

// result waits for it.
func (c *Coordinator) result() (map[string]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended && !c.done() {
		c.changed.Wait()
	}
	if !c.done() {
		return nil, context.Canceled
	}
	c.ended = true
	c.changed.Broadcast()
	if len(c.counted) == 0 {
		return map[string]int64{}, nil
	}
	return c.counted[0].Sum(), nil
}

func (c *Coordinator) done() bool { return len(c.todo) == 0 && c.out == 0 && len(c.counted) < 2 }

// next is a job, or none any more.
func (c *Coordinator) next() (j job, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended && !c.done() {
		if n := len(c.todo); n > 0 {
			j, c.todo = c.todo[0], c.todo[1:]
			c.out++
			return j, true
		}
		if n := len(c.counted); n > 1 {
			j.two = []Histogram{c.counted[0], c.counted[1]}
			c.counted = c.counted[2:]
			c.out++
			return j, true
		}
		c.changed.Wait()
	}
	return j, false
}

// settle takes a reply, or the job back.
func (c *Coordinator) settle(j job, reply Histogram, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.changed.Broadcast()
	c.out--
	if err != nil {
		c.todo = append(c.todo, j)
		return
	}
	c.counted = append(c.counted, sorted(reply))
	if j.blob != nil {
		c.prefix.take(j.index, reply)
	}
}

func (c *Coordinator) serve(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	from := bufio.NewReader(conn)
	m, err := listen(from)
	switch {
	case err != nil:
	case m.Task == "register":
		c.worker(conn, from)
	case m.Task == "reg_backup":
		c.mu.Lock()
		c.backup = m.Addr
		c.mu.Unlock()
		c.update(conn)
	}
}

// listen reads up to the next EOT: what a coordinator hears may be joined and split.
func listen(from *bufio.Reader) (m message, err error) {
	data, err := from.ReadBytes(eot)
	if err != nil {
		return m, err
	}
	return loads(data[:len(data)-1])
}

func (c *Coordinator) worker(conn net.Conn, from *bufio.Reader) {
	var told any
	for {
		j, more := c.next()
		if !more {
			return
		}
		c.mu.Lock()
		backup := c.backup
		c.mu.Unlock()
		if backup != nil && told == nil {
			told = backup
			_ = send(conn, "task", "reg_backup", "value", backup)
			time.Sleep(pause)
		}
		reply, err := ask(conn, from, j)
		c.settle(j, reply, err)
		if err != nil {
			return
		}
	}
}

func ask(conn net.Conn, from *bufio.Reader, j job) (reply Histogram, err error) {
	want := "map_reply"
	if j.blob != nil {
		err = send(conn, "task", "map_request", "blob", unixLines(j.blob))
	} else {
		want = "reduce_reply"
		err = send(conn, "task", "reduce_request", "value", j.two)
	}
	if err != nil {
		return nil, err
	}
	m, err := listen(from)
	if err == nil && m.Task != want {
		err = fmt.Errorf("%s, not %s", m.Task, want)
	}
	if err != nil {
		return nil, err
	}
	return reply, json.Unmarshal(m.Value, &reply)
}
