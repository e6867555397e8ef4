package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	sendWait  = 5 * time.Second  // who takes longer to read an event is let go
	stillHere = 15 * time.Second // so often a stream that has nothing to say says so
)

// stream sends what changes in a view as server-sent events.
func (s *Server) stream(v view) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l, found := s.lookOf(r)
		if !found {
			s.nowhere(w, r)
			return
		}
		out := &events{w: w, conn: http.NewResponseController(w)}
		seen := r.Header.Get("Last-Event-ID")
		err := s.live.watch(r.Context(), &subject{at: l, view: v}, seen, out.send)
		if errors.Is(err, errFull) {
			w.Header().Set("Retry-After", "10")
			s.refuse(w, r, http.StatusServiceUnavailable, "Too many watch at a time, or the server stops.")
		}
	}
}

// events writes to one viewer. An empty message is a comment, which keeps the connection.
type events struct {
	w     http.ResponseWriter
	conn  *http.ResponseController
	begun bool
}

func (e *events) send(m message) error {
	if !e.begun {
		e.begun = true
		e.w.Header().Set("Content-Type", "text/event-stream")
		e.w.Header().Set("X-Accel-Buffering", "no")
		_ = e.conn.SetReadDeadline(time.Time{}) // that of requests would end the stream
	}
	_ = e.conn.SetWriteDeadline(time.Now().Add(sendWait))
	var err error
	if m.id == "" {
		_, err = io.WriteString(e.w, ":\n\n")
	} else {
		_, err = fmt.Fprintf(e.w, "id: %s\ndata: %s\n\n", m.id, m.data)
	}
	return errors.Join(err, e.conn.Flush())
}
