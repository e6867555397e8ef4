package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ConnectConfig says which server to use, and how patiently.
type ConnectConfig struct {
	URL  string // nats://host:port, or several with commas between
	Name string // what the server's operator sees; "": jetreduce
	Wait bool   // for daemons: keep trying until the server is there. Others want to be told at once that it is not
	Log  *slog.Logger

	Login       Login // unless the URL says who
	TLS         TLS
	InboxPrefix string // what the subjects begin with on which answers come; "": _INBOX
}

// ErrNoServer: nothing listens at the address.
var ErrNoServer = errors.New("no nats-server")

// Connect connects to a server that has JetStream. The connection outlives the server: it tries again for ever, so that
// whoever hosts the bus next finds its clients back within a tenth of a second. One try takes 2 s at most, and ctx is
// looked at between tries.
func Connect(ctx context.Context, c ConnectConfig) (*nats.Conn, error) {
	nc, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkJetStream(ctx, nc); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// dial connects once, or until it has.
func (c ConnectConfig) dial(ctx context.Context) (*nats.Conn, error) {
	var waiting reminder
	for {
		nc, err := nats.Connect(c.URL, c.options()...)
		if err == nil {
			return nc, nil
		}
		if errors.Is(err, nats.ErrNoServers) {
			err = c.oneByOne(err)
		}
		if err = c.explain(err); !c.Wait || errors.Is(err, errUnreadable) {
			return nil, err
		}
		if waiting.due() {
			c.Log.Warn("waiting for the bus", "server", c.Address(), "cause", err)
		}
		if wait(ctx, reconnectDelay(0)) != nil {
			return nil, fmt.Errorf("wait for the bus: %w: %w", context.Cause(ctx), err)
		}
	}
}

// connectWait is how long a server may take to answer a first time.
const connectWait = 2 * time.Second

// writeWait is how long a server may take nothing of what is written to it: as long as it may leave pings unanswered. The library's minute
// is how long a worker that was cut off from the network would publish into nothing.
const writeWait = 6 * time.Second

// electionWait is how long a cluster may be without a leader when one of its servers has died.
const electionWait = 12 * time.Second

func (c ConnectConfig) options() []nats.Option {
	name := c.Name
	if name == "" {
		name = "jetreduce"
	}
	words := &connWords{log: c.Log, config: c}
	options := []nats.Option{
		func(*nats.Options) error { return CheckURL(c.URL) }, // before the client quotes what it cannot read
		nats.Name(name), nats.Timeout(connectWait),
		nats.MaxReconnects(-1), nats.CustomReconnectDelay(reconnectDelay),
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(3), // a server that is gone without a word
		nats.FlusherTimeout(writeWait), // … while we publish: until a write is given up, nobody counts the pings
		// Without handlers the client prints such words to standard error itself.
		nats.DisconnectErrHandler(words.lost), nats.ReconnectHandler(words.back), nats.ErrorHandler(words.trouble),
	}
	options = append(append(options, c.Login.options()...), c.TLS.options()...)
	if c.InboxPrefix != "" {
		options = append(options, nats.CustomInboxPrefix(c.InboxPrefix))
	}
	if c.Wait { // a server whose accounts are not loaded yet would end the connection for good
		options = append(options, nats.IgnoreAuthErrorAbort())
	}
	return options
}

// reconnectDelay spreads the clients of a server that comes back.
func reconnectDelay(int) time.Duration {
	return 50*time.Millisecond + rand.N(50*time.Millisecond)
}

// explain says what is wrong, and what to do.
func (c ConnectConfig) explain(err error) error {
	const other = "name another with --server"
	var slow net.Error
	if r, is := c.refused(err); is {
		return r
	}
	switch {
	case errors.Is(err, nats.ErrNoServers):
		return fmt.Errorf("%w at %s: start one with `jetreduce bus` or `jetreduce coordinator`, or %s",
			ErrNoServer, c.Address(), other)
	case errors.Is(err, nats.ErrTimeout), errors.As(err, &slow) && slow.Timeout():
		return fmt.Errorf("connect to %s: no answer within %s: what listens there is paused, cut off or no nats-server%s: look at it, or %s",
			c.Address(), connectWait, c.TLS.hint(), other)
	case errors.Is(err, nats.ErrNoInfoReceived), errors.Is(err, io.EOF):
		return fmt.Errorf("connect to %s: %w (%w): %s", c.Address(), errStranger, err, other)
	}
	return fmt.Errorf("connect to %s: %w", c.Address(), err)
}

// checkJetStream asks for JetStream, which nothing here can do without.
func (c ConnectConfig) checkJetStream(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	var waiting reminder
	denials := hearDenials(nc, DefaultPrefix)
	for began := time.Now(); ; {
		err := askForJetStream(ctx, js, denials)
		if err == nil {
			return nil
		}
		lasting := errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount)
		electing := nc.ConnectedClusterName() != "" && time.Since(began) < electionWait
		if err = c.withoutJetStream(err, lasting); lasting || !c.Wait && !electing {
			return err
		}
		if wait(ctx, c.pauseAfter(err, waiting.due())) != nil {
			return fmt.Errorf("wait for JetStream: %w: %w", context.Cause(ctx), err)
		}
	}
}

// askForJetStream asks once.
func askForJetStream(ctx context.Context, js jetstream.JetStream, denials *denials) error {
	heard, stop := denials.until(ctx, "API.INFO")
	defer stop()
	try, cancel := context.WithTimeout(heard, connectWait)
	defer cancel()
	_, err := js.AccountInfo(try)
	return deniedOr(try, err)
}

// pauseAfter says why JetStream is waited for, and how long to wait before it is asked for again.
func (c ConnectConfig) pauseAfter(err error, due bool) time.Duration {
	switch {
	case errors.Is(err, ErrDenied):
		c.Log.Error("waiting until this user may use JetStream", "server", c.Address(), "cause", err)
		return DeniedPause
	case due:
		c.Log.Warn("waiting for JetStream", "server", c.Address(), "cause", err)
	}
	return reconnectDelay(0)
}

func (c ConnectConfig) withoutJetStream(err error, lasting bool) error {
	if lasting {
		return fmt.Errorf("the nats-server at %s has no JetStream: start it with -js, or name another with --server", c.Address())
	}
	if errors.Is(err, ErrDenied) {
		return fmt.Errorf("use the nats-server at %s: %w", c.Address(), err)
	}
	return fmt.Errorf("ask the nats-server at %s for JetStream: %w: look at its log, or name another with --server", c.Address(), err)
}

// connWords logs what happens to a connection, each change once.
type connWords struct {
	log    *slog.Logger
	config ConnectConfig

	mu    sync.Mutex
	last  string
	again reminder
}

// news remembers what was said last.
func (w *connWords) news(said string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.last
	w.last = said
	return said != was
}

func (w *connWords) lost(_ *nats.Conn, err error) {
	if err != nil && w.news("lost") { // nil: we closed it
		w.log.Warn("bus connection lost", "cause", err)
	}
}

func (w *connWords) back(nc *nats.Conn) {
	if w.news("back") {
		w.log.Info("bus connection is back", "server", nc.ConnectedAddr())
	}
}

func (w *connWords) trouble(nc *nats.Conn, _ *nats.Subscription, err error) {
	if r, is := w.config.refused(err); is {
		w.refused(r)
	} else if denied := explainDenial(nc, DefaultPrefix, err); denied != nil && w.news(err.Error()) {
		w.log.Error("not permitted, and nobody waits for it", "cause", denied)
	} else if w.news(err.Error()) {
		w.log.Warn("bus connection", "cause", err)
	}
}

// refused says once in a while that the server does not let us back in: that lasts until somebody does something.
func (w *connWords) refused(r refusal) {
	news := w.news(r.Error())
	w.mu.Lock()
	due := w.again.due()
	w.mu.Unlock()
	if news || due {
		w.log.Warn("the bus does not let this process back in", "cause", r)
	}
}
