package bus

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// Host is a nats-server inside this process.
type Host struct {
	server  *server.Server
	words   *serverWords
	log     *slog.Logger
	listens string // the URL of its port; "" without one
}

// HostConfig says how to host. The zero value but for Store is a bus without a port, for this process only, whose
// acknowledged writes survive the process but perhaps not the machine.
type HostConfig struct {
	Store   string // directory of the streams; the caller holds its lock, since the server takes none
	Addr    string // host:port to listen at, port 0 for any; "": none
	Durable bool   // acknowledged means on disk; the server's name then is DurableServer
	Room    int64  // bytes that streams may take; 0: what they take already, and three quarters of what is free
	Records int64  // bytes that streams in memory may take; 0: 1 GiB, some millions of tasks
	Log     *slog.Logger
	TLS     TLS    // what the server shows to clients; with a CA, they must show what that has signed
	Config  string // a nats-server configuration file for all else; what is above wins

	Insecure bool                            // others than this machine may be listened to without TLS
	free     func(dir string) (int64, error) // bytes that the disk has left; nil: as the system says
}

// DurableServer is the name of a server of ours that writes to the disk before it acknowledges: clients see it as
// nats.Conn.ConnectedServerName. Of any other server they know nothing.
const DurableServer = "jetreduce-durable"

// Durable reports whether a server of that name is one of ours that writes to the disk before it acknowledges. Those of a cluster have
// names of their own behind DurableServer: a cluster knows its servers by their names.
func Durable(server string) bool {
	return server == DurableServer || strings.HasPrefix(server, DurableServer+"-")
}

// StartHost starts a server and waits until JetStream is ready.
func StartHost(c HostConfig) (*Host, error) {
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	if err := c.portFree(); err != nil { // before the store is touched
		return nil, err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("make nats-server: %w", err)
	}
	words := &serverWords{log: c.Log}
	s.SetLoggerV2(words, false, false, false)
	s.Start() // returns no error: what went wrong is in the log, and in what is not ready
	h := &Host{server: s, words: words, log: c.Log}
	if err := h.started(c); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

func (c HostConfig) options() (*server.Options, error) {
	o, _, err := c.fromFile()
	if err != nil {
		return nil, err
	}
	o.DontListen, o.NoSigs, o.DisableJetStreamBanner = c.Addr == "", true, true
	o.JetStream, o.StoreDir, o.SyncAlways = true, c.Store, c.Durable
	if o.JetStreamMaxStore <= 0 {
		o.JetStreamMaxStore = c.room()
	}
	if o.JetStreamMaxMemory <= 0 {
		o.JetStreamMaxMemory = cmp.Or(c.Records, 1<<30) // or it would be three quarters of the process's limit
	}
	o.JetStreamLimits.MaxBatchSize = largestBatch // so that a bucket can be replaced at once
	if err := c.name(o); err != nil || c.Addr == "" {
		return o, err
	}
	if err := errors.Join(c.TLS.serve(o), c.listen(o)); err != nil || c.Insecure {
		return o, err
	}
	return o, checkDoors(o)
}

// name says what the server is called.
func (c HostConfig) name(o *server.Options) error {
	own, base := o.ServerName, "jetreduce"
	if c.Durable {
		base = DurableServer
	}
	switch o.ServerName = base; {
	case own != "":
		o.ServerName = base + "-" + own
	case o.Cluster.Name != "" || o.Cluster.Port != 0:
		return errors.New("--config: a server of a cluster needs a name of its own, and the same one each time: say server_name: a, b, c")
	}
	return nil
}

// serve has a server show what the files hold.
func (t TLS) serve(o *server.Options) (err error) {
	if t.Cert == "" {
		return nil
	}
	o.TLS, o.TLSCert, o.TLSKey, o.TLSCaCert, o.TLSVerify = true, t.Cert, t.Key, t.CA, t.CA != ""
	o.TLSConfig, err = server.GenTLSConfig(&server.TLSConfigOpts{CertFile: t.Cert, KeyFile: t.Key, CaFile: t.CA, Verify: t.CA != ""})
	if err != nil {
		return fmt.Errorf("use --tlscert %s: %w", t.Cert, err)
	}
	return nil
}

// listen tells the server where to.
func (c HostConfig) listen(o *server.Options) error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w: want HOST:PORT", err)
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		return fmt.Errorf("listen at %s: %w", c.Addr, err)
	}
	o.Host, o.Port = host, number
	if number == 0 {
		o.Port = server.RANDOM_PORT // its own 0 is 4222
	}
	return nil
}

// portFree tries to listen. The server would recover its streams first, and tell nobody but its log.
func (c HostConfig) portFree() error {
	if c.Addr == "" {
		return nil
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("%w: stop what listens there, or name another address with --addr", err)
	}
	return listener.Close()
}

// started waits until clients can connect.
func (h *Host) started(c HostConfig) error {
	if c.Addr != "" && h.server.JetStreamEnabled() && h.server.Addr() == nil { // somebody took the port meanwhile
		return errors.Join(c.portFree(), h.words.last())
	}
	if !h.server.JetStreamEnabled() || !h.server.ReadyForConnections(startWait) {
		return fmt.Errorf("start nats-server on %s: %w", c.Store, h.words.last())
	}
	if c.Addr != "" {
		h.listens = h.server.ClientURL()
	}
	return nil
}

const startWait = 20 * time.Second

// URL is where processes on this machine reach the server; "" without a port.
func (h *Host) URL() string { return fromHere(h.listens) }

// fromHere makes an address to connect to of one to listen at: a server that listens at all addresses is at none of that
// name.
func fromHere(listens string) string {
	u, err := url.Parse(listens)
	if err != nil {
		return listens
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() {
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	return u.String()
}

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
// also those that would say so; when the disk itself is full it turns JetStream off, and requests only time out. Who lives
// no longer than one run takes both for the end; who serves others for long wants GaveUp.
func (h *Host) Trouble() error {
	if h.server.JetStreamEnabled() && !h.words.outOfRoom() {
		return nil
	}
	if z, err := h.server.Jsz(nil); err == nil && z.Memory > uint64(z.Config.MaxMemory)/10*9 {
		return fmt.Errorf("%w: the records of its tasks take %d bytes of memory: make fewer, larger splits with --split-size", mapreduce.ErrNoRoom, z.Memory)
	}
	return h.words.last()
}

// GaveUp returns why the server will not work again before it has been started again, or nil: JetStream is off, or a write
// to the disk went wrong, after which the server neither stores anything in that stream nor answers. That there is no room
// is not the end: removing something makes some.
func (h *Host) GaveUp() error {
	if h.server.JetStreamEnabled() && !h.words.diskFailed() {
		return nil
	}
	return h.words.last()
}

// Close stops the server and waits until it has.
func (h *Host) Close() {
	h.server.Shutdown()
	h.server.WaitForShutdown()
}

// Discard stops the server of a store that nobody reads again, and waits until it has. Close would first give the requests for
// tasks that stand at it the time to be refused: here all who made them are in this process, and gone.
func (h *Host) Discard() {
	_ = h.server.DisableJetStream() // all that it could say is said by Trouble
	h.Close()
}

// serverWords is the server's log: warnings and worse go on, and the last error is kept as a reason.
type serverWords struct {
	log *slog.Logger

	mu     sync.Mutex
	error  string
	full   bool // it has said that there is no room: of its own, or on the disk
	failed bool // it has said that a write to the disk went wrong
}

func (w *serverWords) outOfRoom() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full
}

func (w *serverWords) diskFailed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
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
	w.failed = w.failed || strings.Contains(said, "out of space") || strings.Contains(said, "no space left") ||
		strings.Contains(said, "write error")
	w.full = w.full || w.failed || strings.Contains(said, "resource limits exceeded")
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
