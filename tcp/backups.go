package tcp

import "sync"

// standby is a backup that has registered.
type standby struct {
	addr   Addr
	native bool
	news   chan struct{} // there is another edition
}

// edition is what the backups hold, once they have it. Its frames are made when first needed, and all backups share them: none has a
// copy of its own.
type edition struct {
	index       int
	eot, length func() ([]byte, error)
}

func newEdition(index int, value []Histogram) *edition {
	frame := func(framing Framing) func() ([]byte, error) {
		return sync.OnceValues(func() ([]byte, error) {
			return AppendFrame(nil, framing, func(dst []byte) []byte { return appendUpdate(dst, index, value) })
		})
	}
	return &edition{index, frame(EOT), frame(Length)}
}

func (e *edition) frame(framing Framing) ([]byte, error) {
	if framing == Length {
		return e.length()
	}
	return e.eot()
}

// Update sends to every backup that is not native which histograms are held, and how many blobs they cover; the latest only, to one that
// is slow. The value must not be changed any more.
func (s *Server) Update(index int, value []Histogram) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = newEdition(index, value)
	for _, b := range s.backups {
		poke(b.news)
	}
}

// Backups is how many backups live that are not native.
func (s *Server) Backups() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, b := range s.backups {
		if !b.native {
			n++
		}
	}
	return n
}

// poke tells that there is news, which need not be told twice.
func poke(news chan struct{}) {
	select {
	case news <- struct{}{}:
	default:
	}
}

// backup is the one that registered last and lives.
func (s *Server) backup() (addr Addr, lives bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.backups) == 0 {
		return Addr{}, false
	}
	return s.backups[len(s.backups)-1].addr, true
}

// standby is a backup's life.
func (s *Server) standby(l *link, m message) {
	b := &standby{addr: m.addr, native: m.native, news: make(chan struct{}, 1)}
	var listening sync.WaitGroup
	defer listening.Wait()
	defer s.retire(b)
	s.install(b)
	s.Log.Info("backup registered", "announces", b.addr, "native", b.native, "addr", l.conn.RemoteAddr())
	listening.Go(l.listen)
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-b.news:
			s.publish(l, b)
		}
	}
}

func (s *Server) install(b *standby) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backups = append(s.backups, b)
	if s.latest != nil {
		poke(b.news)
	}
	s.spread()
}

func (s *Server) retire(b *standby) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.backups {
		if other == b {
			s.backups = append(s.backups[:i:i], s.backups[i+1:]...)
			break
		}
	}
	s.spread()
}

// spread has all workers told which backup lives.
func (s *Server) spread() {
	for p := range s.workers {
		poke(p.news)
	}
}

// publish sends the latest edition. One that is too large is left out: the backup goes on with what it has.
func (s *Server) publish(l *link, b *standby) {
	if b.native {
		return
	}
	s.mu.Lock()
	latest := s.latest
	s.mu.Unlock()
	frame, err := latest.frame(l.framing)
	if err != nil {
		s.Log.Warn("update not sent to a backup", "index", latest.index, "announces", b.addr, "cause", err)
		return
	}
	_ = l.say(frame) // if it fails, the connection has ended
}
