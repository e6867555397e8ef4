package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Server serves whoever speaks the original protocol: workers, each of which gets a life (Config.Work), and backups, which get
// updates.
type Server struct {
	Config
	running sync.WaitGroup

	mu      sync.Mutex
	conns   int
	crowded bool // the last connection was one too many
	workers map[*Peer]struct{}
	backups []*standby // in the order in which they registered
	latest  *edition   // nil: none yet
	blame   *blame
}

const acceptRest = 50 * time.Millisecond

// New makes a server, which does nothing until Run.
func New(config Config) *Server {
	return &Server{Config: config.withDefaults(), workers: map[*Peer]struct{}{}, blame: newBlame(time.Now)}
}

// Run serves until ctx ends; then it closes the listener and all connections, and waits until nothing of it runs any more.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.running.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	for {
		conn, err := listener.Accept()
		switch {
		case err == nil:
			s.admit(ctx, conn)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("serve original workers: %w", err)
		default: // such as too many open files
			s.Log.Warn("connection not accepted", "cause", err)
			select {
			case <-time.After(acceptRest):
			case <-ctx.Done():
			}
		}
	}
}

// admit serves a connection, if it is not one too many.
func (s *Server) admit(ctx context.Context, conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns >= s.MaxConns {
		if !s.crowded {
			s.Log.Warn("too many connections: more are closed", "most", s.MaxConns)
		}
		s.crowded = true
		_ = conn.Close()
		return
	}
	s.conns, s.crowded = s.conns+1, false
	s.running.Go(func() {
		s.serve(ctx, conn)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns--
	})
}

// serve is a connection, from its first byte to its end.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	l := newLink(ctx, conn, s.Config)
	defer l.close(errReleased)
	m, err := l.hello(s.Handshake)
	who := caller{m.id, hostOf(conn)}
	switch {
	case err != nil:
		l.fail(err)
	case m.task == register:
		wait, err := s.blame.admit(who)
		if err != nil {
			s.Log.Debug("worker refused", "id", m.id, "addr", conn.RemoteAddr(), "cause", err)
			return
		}
		s.worker(l, who, wait)
	case m.task == regBackup:
		s.standby(l, m)
	default:
		l.fail(nonsensef("%s before it has registered", m.task))
	}
	s.judge(l, who, m.task)
}

func hostOf(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return conn.RemoteAddr().String()
	}
	return host
}

// worker is a worker's life, which begins with a wait.
func (s *Server) worker(l *link, who caller, wait time.Duration) {
	p := &Peer{id: who.id, link: l, server: s, news: make(chan struct{}, 1), who: who}
	var both sync.WaitGroup
	defer both.Wait()
	s.enter(p)
	defer s.leave(p)
	both.Go(l.listen)
	err := l.rest(wait)
	if err == nil {
		err = p.tell()
	}
	if err == nil {
		both.Go(p.herald)
		s.Log.Info("worker registered", "id", p.id, "addr", p.Addr())
		err = s.Work(l.ctx, p)
	}
	if err == nil {
		err = errReleased
	}
	l.fail(err)
}

func (s *Server) enter(p *Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers[p] = struct{}{}
}

func (s *Server) leave(p *Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.workers, p)
}

// judge says how a connection ended, and remembers who talked nonsense.
func (s *Server) judge(l *link, who caller, task string) {
	cause, addr := context.Cause(l.ctx), l.conn.RemoteAddr()
	var wrong nonsense
	switch {
	case errors.As(cause, &wrong):
		s.Log.Warn("peer talks nonsense", "id", who.id, "addr", addr, "cause", cause)
		if task == register {
			s.hold(who)
		}
	case errors.Is(cause, errMute) && task == register:
		s.Log.Warn("worker does not answer", "id", who.id, "addr", addr, "cause", cause)
		s.hold(who)
	case errors.Is(cause, errSilent):
		s.Log.Info("connection closed", "addr", addr, "cause", cause)
	case task == register:
		s.Log.Info("worker gone", "id", who.id, "addr", addr, "cause", cause)
	case task == regBackup:
		s.Log.Info("backup gone", "addr", addr, "cause", cause)
	default:
		s.Log.Debug("connection closed", "addr", addr, "cause", cause)
	}
}

// hold holds a nonsense against a caller.
func (s *Server) hold(who caller) {
	if times, wait := s.blame.note(who); wait > 0 {
		s.Log.Warn("workers of this id wait before they get work: one was wrong, or silent, several times. "+
			"If others are right, give them ids of their own (--id)",
			"id", who.id, "host", who.host, "times", times, "for", wait)
	}
}
