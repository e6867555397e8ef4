package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"jetreduce/mapreduce"
)

// Server serves the page, the metrics and the health of one process.
type Server struct {
	config Config
	asks   *asks
	live   *live
	door   door
	routes http.Handler
}

// New makes a server. Nothing runs until it is asked something.
func New(c Config) *Server {
	c = c.withDefaults()
	s := &Server{config: c, asks: newAsks(c), door: newDoor(c.Token, c.TLS != nil, c.Now)}
	s.live = newLive(c.Every, c.Viewers)
	s.routes = s.guard(s.mux())
	return s
}

// Handler is all that is served.
func (s *Server) Handler() http.Handler { return s.routes }

func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page(s.jobsFrame))
	mux.HandleFunc("GET /jobs/{id}", s.page(s.jobFrame))
	mux.HandleFunc("GET /workers", s.page(s.workersFrame))
	mux.HandleFunc("GET /events", s.stream(s.jobsFrame))
	mux.HandleFunc("GET /jobs/{id}/events", s.stream(s.jobFrame))
	mux.HandleFunc("GET /workers/events", s.stream(s.workersFrame))
	mux.HandleFunc("GET /api/jobs", s.apiJobs)
	mux.HandleFunc("GET /api/jobs/{id}", s.apiJob)
	mux.HandleFunc("GET /api/workers", s.apiWorkers)
	mux.HandleFunc("GET /api/vitals", s.apiVitals)
	mux.HandleFunc("GET /login", s.loginPage)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	for _, act := range []string{"cancel", "retry", "remove"} {
		mux.HandleFunc("POST /jobs/{id}/"+act, s.steer(act))
	}
	mux.HandleFunc("GET /static/{name}", serveStatic)
	mux.Handle("GET /metrics", s.metrics())
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("/", s.nowhere)
	return mux
}

// How long a client may take. Streams have deadlines of their own.
const (
	readWait   = 10 * time.Second
	writeWait  = 30 * time.Second
	idleWait   = time.Minute
	leaveWait  = 3 * time.Second // for answers under way, when the server is told to stop
	maxHeaders = 16 << 10
	maxForm    = 4 << 10
)

// Run serves at a listener until ctx ends; then streams end, and answers that are under way are given.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s.routes, TLSConfig: s.config.TLS, MaxHeaderBytes: maxHeaders,
		ReadHeaderTimeout: readWait, ReadTimeout: readWait, WriteTimeout: writeWait, IdleTimeout: idleWait,
		ErrorLog: slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
	}
	over := make(chan error, 1)
	go func() { over <- serve(server, listener) }()
	var err error
	select {
	case err = <-over:
	case <-ctx.Done():
	}
	s.live.end()
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWait)
	defer cancel()
	if server.Shutdown(leaving) != nil {
		_ = server.Close()
	}
	if err != nil || ctx.Err() == nil {
		return err
	}
	if err := <-over; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func serve(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

// jobOf is the job that a request names.
func jobOf(r *http.Request) (mapreduce.JobID, bool) {
	id := mapreduce.JobID(r.PathValue("id"))
	return id, id.Valid()
}
