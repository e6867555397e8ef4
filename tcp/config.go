package tcp

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"jetreduce/mapreduce"
)

// Config is what a Server is made of.
type Config struct {
	Log *slog.Logger // nil: none

	// Program is the word count, whose own mapper checks replies and whose own reducer writes rows.
	Program mapreduce.Program
	// OrderKey appends a word's key in the order that the originals sort by; equal keys are ordered by the words' bytes. It is called by
	// many peers at once.
	OrderKey func(dst, word []byte) []byte
	// Blob is how many characters a map_request has; 0: 1024.
	Blob int

	// Work is the life of a worker: it is called once for each that registers. When it returns the connection is closed; its ctx
	// ends when the connection breaks.
	Work func(ctx context.Context, p *Peer) error

	Handshake time.Duration // in which a connection must register; 0: 10 s
	ReplyWait time.Duration // for a reply, and for a message to be taken, if small; 0: 20 s
	ReplyRate int           // … and a second more for so many bytes: an original searches in them, word by word; 0: 16 KiB
	NewsEvery time.Duration // how often a worker hears of another backup, at most: it works on nothing meanwhile; 0: 1 s
	MaxConns  int           // at a time; 0: 2000

	// pause is between a message without a reply and the next one: an original that finds both in one read breaks; 0: 200 ms.
	pause time.Duration
}

func (c Config) withDefaults() Config {
	c.Blob = cmp.Or(c.Blob, 1024)
	c.Handshake = cmp.Or(c.Handshake, 10*time.Second)
	c.ReplyWait = cmp.Or(c.ReplyWait, 20*time.Second)
	c.NewsEvery = cmp.Or(c.NewsEvery, time.Second)
	c.ReplyRate = cmp.Or(c.ReplyRate, 16<<10)
	c.MaxConns = cmp.Or(c.MaxConns, 2000)
	c.pause = cmp.Or(c.pause, 200*time.Millisecond)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
