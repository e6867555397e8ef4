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
)

// Host is a nats-server inside this process.
type Host struct {
	server *server.Server
	words  *serverWords
}

// HostConfig says how to host. The zero value but for Store is a bus without a port, for this process only.
type HostConfig struct {
	Store string // directory of the streams; the caller holds its lock, since the server takes none
	Fsync bool   // sync every write: for a bus whose jobs are to survive the machine
	Log   *slog.Logger
}

// StartHost starts a server and waits until JetStream is ready.
func StartHost(c HostConfig) (*Host, error) {
	options := &server.Options{
		ServerName: "jetreduce", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: c.Store, SyncAlways: c.Fsync, DisableJetStreamBanner: true,
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("make nats-server: %w", err)
	}
	words := &serverWords{log: c.Log}
	s.SetLoggerV2(words, false, false, false)
	s.Start() // returns no error: what went wrong is in the log, and in what is not ready
	h := &Host{s, words}
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
	}, options...)
	nc, err := nats.Connect("", options...)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded bus: %w", err)
	}
	return nc, nil
}

// Trouble returns why the server no longer works, or nil: a full disk makes it turn JetStream off, and every request
// after that only times out.
func (h *Host) Trouble() error {
	if h.server.JetStreamEnabled() {
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
}

func (w *serverWords) last() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.error == "" {
		return errors.New("it did not become ready, and said nothing")
	}
	return errors.New(w.error)
}

func (w *serverWords) keep(format string, v []any) {
	said := strings.TrimSpace(fmt.Sprintf(format, v...))
	w.mu.Lock()
	w.error = said
	w.mu.Unlock()
	w.log.Error("nats-server", "said", said)
}

func (w *serverWords) Noticef(string, ...any) {}
func (w *serverWords) Debugf(string, ...any)  {}
func (w *serverWords) Tracef(string, ...any)  {}

func (w *serverWords) Warnf(format string, v ...any) {
	w.log.Warn("nats-server", "said", strings.TrimSpace(fmt.Sprintf(format, v...)))
}
func (w *serverWords) Errorf(format string, v ...any) { w.keep(format, v) }
func (w *serverWords) Fatalf(format string, v ...any) { w.keep(format, v) }
