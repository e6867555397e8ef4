package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// Host is a nats-server inside this process.
type Host struct {
	server *server.Server
	words  *serverWords
	log    *slog.Logger
}

// HostConfig says how to host. The zero value but for Store is a bus without a port, for this process only.
type HostConfig struct {
	Store string // directory of the streams; the caller holds its lock, since the server takes none
	Room  int64  // bytes that streams may take; 0: three quarters of the disk's free space
	Log   *slog.Logger
}

// StartHost starts a server and waits until JetStream is ready.
func StartHost(c HostConfig) (*Host, error) {
	options := &server.Options{
		ServerName: "jetreduce", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: c.Store, DisableJetStreamBanner: true,
		JetStreamMaxStore: c.Room,
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("make nats-server: %w", err)
	}
	words := &serverWords{log: c.Log}
	s.SetLoggerV2(words, false, false, false)
	s.Start() // returns no error: what went wrong is in the log, and in what is not ready
	h := &Host{s, words, c.Log}
	if !s.ReadyForConnections(startWait) || !s.JetStreamEnabled() {
		h.Close()
		return nil, fmt.Errorf("start nats-server on %s: %w", c.Store, words.last())
	}
	return h, nil
}

const startWait = 20 * time.Second

// Connect makes a connection inside this process.
func (h *Host) Connect(options ...nats.Option) (*nats.Conn, error) {
	options = append([]nats.Option{
		nats.Name("jetreduce"), nats.InProcessServer(h.server),
		nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond),
		// Without handlers the client prints such words to standard error itself.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { h.log.Warn("bus connection", "cause", err) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { h.log.Warn("bus connection lost", "cause", err) }),
	}, options...)
	nc, err := nats.Connect("", options...)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded bus: %w", err)
	}
	return nc, nil
}

// Trouble returns why the server no longer works, or nil. When its share of the disk is used up it refuses all writes,
// also those that would say so; when the disk itself is full it turns JetStream off, and requests only time out.
func (h *Host) Trouble() error {
	if h.server.JetStreamEnabled() && !h.words.outOfRoom() {
		return nil
	}
	return h.words.last()
}

// Close stops the server and waits until it has.
func (h *Host) Close() {
	h.server.Shutdown()
	h.server.WaitForShutdown()
}

// serverWords is the server's log: warnings and worse go on, and the last error is kept as a reason.
type serverWords struct {
	log *slog.Logger

	mu    sync.Mutex
	error string
	full  bool
}

func (w *serverWords) outOfRoom() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full
}

func (w *serverWords) last() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.full:
		return fmt.Errorf("%w (%s): free disk space, or name a store on a larger disk with --store", mapreduce.ErrNoRoom, w.error)
	case w.error == "":
		return errors.New("it did not become ready, and said nothing")
	}
	return errors.New(w.error)
}

func (w *serverWords) keep(format string, v []any) {
	said := strings.TrimSpace(fmt.Sprintf(format, v...))
	w.mu.Lock()
	w.error = said
	w.full = w.full || strings.Contains(said, "resource limits exceeded") || strings.Contains(said, "out of space") ||
		strings.Contains(said, "no space left") || strings.Contains(said, "write error")
	w.mu.Unlock()
	w.log.Warn("nats-server", "said", said) // whoever hosts it asks for Trouble, and says what it means
}

func (w *serverWords) Noticef(string, ...any) {}
func (w *serverWords) Debugf(string, ...any)  {}
func (w *serverWords) Tracef(string, ...any)  {}

func (w *serverWords) Warnf(format string, v ...any) {
	w.log.Warn("nats-server", "said", strings.TrimSpace(fmt.Sprintf(format, v...)))
}
func (w *serverWords) Errorf(format string, v ...any) { w.keep(format, v) }
func (w *serverWords) Fatalf(format string, v ...any) { w.keep(format, v) }
