package tcp

import (
	"context"
	"errors"
	"fmt"

	"jetreduce/mapreduce"
)

// Peer is a worker that has registered. One request is out to it at a time; it is safe for concurrent use.
type Peer struct {
	id     string
	link   *link
	server *Server
	news   chan struct{} // another backup lives
	who    caller
	told   Addr // which backup it knows; of whoever has the turn
}

// ID is what the worker calls itself: others may have the same.
func (p *Peer) ID() string { return p.id }

// Addr is where the worker is, host:port.
func (p *Peer) Addr() string { return p.link.conn.RemoteAddr().String() }

// Program is the server's program, done by the peer. Its mappers and reducers are mapreduce.Flushers. When the peer is wrong, silent or
// gone, their errors are mapreduce.ErrNotMine.
func (p *Peer) Program() mapreduce.Program {
	program := p.server.Program
	own := program
	program.Shuffled = true // pairs come as the peer sorts them
	program.Mapper = func(args map[string]string) (mapreduce.Mapper, error) {
		mapper, err := own.Mapper(args)
		return &mapping{peer: p, own: mapper}, err
	}
	program.Reducer = func(args map[string]string) (mapreduce.Reducer, error) {
		reducer, err := own.Reducer(args)
		return &reducing{peer: p, own: reducer}, err
	}
	return program
}

// question makes a request. The value of the reply is checked by the function, which may keep nothing of it; what it returns is nonsense
// of the peer's.
func (p *Peer) question(request func([]byte) []byte, reply due, check func(Histogram) error) *question {
	return &question{request: request, due: reply, use: func(m *message) (wrong error) {
		if m.task != reply.task {
			wrong = nonsensef("%s, and %s was asked of it", m.task, reply.task)
		} else if err := check(m.value[0]); err != nil {
			wrong = nonsense{fmt.Errorf("%s: %w", reply.task, err)}
		}
		if wrong != nil {
			p.link.fail(wrong)
			return wrong
		}
		p.server.blame.forgive(p.who)
		return nil
	}}
}

// ask asks questions until there are no more.
func (p *Peer) ask(ctx context.Context, next func() (*question, error)) error {
	err := p.link.ask(ctx, next)
	switch {
	case err == nil || mapreduce.IsPermanent(err):
		return err
	case errors.Is(err, ErrTooLarge) && p.link.ctx.Err() == nil:
		return mapreduce.Permanent(err)
	case p.link.ctx.Err() != nil:
		return fmt.Errorf("worker %s at %s: %w: %w", p.id, p.Addr(), mapreduce.ErrNotMine, context.Cause(p.link.ctx))
	}
	return fmt.Errorf("ask worker %s at %s: %w", p.id, p.Addr(), err)
}

// herald tells the worker of backups, until the connection ends.
func (p *Peer) herald() {
	for {
		select {
		case <-p.news:
			if p.tell() != nil || p.link.rest(p.server.NewsEvery) != nil {
				return
			}
		case <-p.link.ctx.Done():
			return
		}
	}
}

// tell says which backup lives, if the worker does not know.
func (p *Peer) tell() error {
	if err := p.link.take(p.link.ctx); err != nil {
		return err
	}
	defer p.link.yield()
	backup, lives := p.server.backup()
	if !lives || backup == p.told {
		return nil
	}
	p.told = backup
	frame, err := p.link.frame(func(dst []byte) []byte { return appendTell(dst, backup) })
	if err != nil {
		return err
	}
	return p.link.say(frame)
}
