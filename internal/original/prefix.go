package original

import (
	"net"
	"strings"
	"time"

	"jetreduce/mapreduce/output"
)

// prefix is the blobs that are counted without a gap.
type prefix struct {
	at    int // blobs
	sum   map[string]int64
	ahead map[int]Histogram // counted, behind a gap
}

func (p *prefix) add(counted Histogram) {
	for _, count := range counted {
		p.sum[count.Word] += count.N
	}
}

func (p *prefix) take(index int, counted Histogram) {
	p.ahead[index] = counted
	for {
		next, is := p.ahead[p.at]
		if !is {
			return
		}
		delete(p.ahead, p.at)
		p.add(next)
		p.at++
	}
}

// sorted adds repeats up, and sorts as the originals want it.
func sorted(counted Histogram) Histogram {
	histogram := Histogram{}
	for word, n := range counted.Sum() {
		histogram = append(histogram, Count{word, n})
	}
	order, err := output.ParseOrder("original")
	if err != nil {
		panic(err) // there is this order
	}
	collator{order, map[string]string{}}.sort(histogram)
	return histogram
}

// unixLines is a text as Python reads it.
func unixLines(text []byte) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text))
}

// update sends a backup the prefix whenever it has grown.
func (c *Coordinator) update(conn net.Conn) {
	for sent := -1; ; {
		c.mu.Lock()
		for !c.ended && c.prefix.at <= sent {
			c.changed.Wait()
		}
		ended := c.ended
		sent = c.prefix.at
		var value Histogram
		for word, n := range c.prefix.sum {
			value = append(value, Count{word, n})
		}
		c.mu.Unlock()
		if ended || send(conn, "task", "update", "value", []Histogram{sorted(value)}, "index", sent) != nil {
			return
		}
		time.Sleep(pause)
	}
}
