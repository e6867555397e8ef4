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
	wrong   map[caller]*record
}

// caller is who a nonsense is remembered of. Several innocents may share it: a worker that is not told otherwise calls itself 0.
type caller struct{ id, host string }

// record is what is held against a caller.
type record struct {
	times int
	until time.Time // it is refused
}

const (
	manyWrong   = 3 // so often is a caller let in again at once; from then on after a while that doubles
	longRefusal = time.Minute
	mostWrong   = 1 << 12 // callers remembered
	acceptRest  = 50 * time.Millisecond
)

// New makes a server, which does nothing until Run.
func New(config Config) *Server {
	return &Server{Config: config.withDefaults(), workers: map[*Peer]struct{}{}, wrong: map[caller]*record{}}
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
	l := newLink(ctx, conn, s.ReplyWait)
	defer l.close(errReleased)
	m, err := l.hello(s.Handshake)
	who := caller{m.id, hostOf(conn)}
	switch {
	case err != nil:
		l.fail(err)
	case m.task == register && s.isRefused(who):
		s.Log.Debug("worker refused", "id", m.id, "addr", conn.RemoteAddr())
		return
	case m.task == register:
		s.worker(l, m.id)
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

// worker is a worker's life.
func (s *Server) worker(l *link, id string) {
	p := &Peer{id: id, link: l, server: s, news: make(chan struct{}, 1), who: caller{id, hostOf(l.conn)}}
	var both sync.WaitGroup
	defer both.Wait()
	s.enter(p)
	defer s.leave(p)
	both.Go(l.listen)
	if p.tell() == nil {
		both.Go(p.herald)
		s.Log.Info("worker registered", "id", id, "addr", p.Addr())
		err := s.Work(l.ctx, p)
		if err == nil {
			err = errReleased
		}
		l.fail(err)
	}
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
			s.remember(who)
		}
	case task == register:
		s.Log.Info("worker gone", "id", who.id, "addr", addr, "cause", cause)
	case task == regBackup:
		s.Log.Info("backup gone", "addr", addr, "cause", cause)
	default:
		s.Log.Debug("connection closed", "addr", addr, "cause", cause)
	}
}

func (s *Server) isRefused(who caller) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.wrong[who]
	return known != nil && time.Now().Before(known.until)
}

// forgive forgets what is held against a caller: it, or another of that name, has been right.
func (s *Server) forgive(who caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.wrong, who)
}

// remember counts a nonsense. When there are too many to remember, any is forgotten.
func (s *Server) remember(who caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.wrong {
		if len(s.wrong) < mostWrong {
			break
		}
		delete(s.wrong, other)
	}
	known := s.wrong[who]
	if known == nil {
		known = &record{}
		s.wrong[who] = known
	}
	if known.times++; known.times < manyWrong {
		return
	}
	refused := min(time.Second<<min(known.times-manyWrong, 10), longRefusal)
	known.until = time.Now().Add(refused)
	s.Log.Warn("worker refused for a while: it was wrong several times. If it is right, another of its name is not: give them ids of their own (--id)",
		"id", who.id, "host", who.host, "times", known.times, "for", refused)
}
