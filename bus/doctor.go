package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// Level says how bad a finding is.
type Level string

// Levels of findings.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning" // jetreduce works, and something about it is worse than it could be
	LevelUnsafe  Level = "unsafe"  // it does not work, or what it was told is stored may be lost
	LevelUnknown Level = "unknown" // it could not be looked at
)

// Finding is one thing that a doctor has looked at, each text on one line of printable characters.
type Finding struct {
	Level Level  `json:"level"`
	Name  string `json:"name"`         // what was looked at
	Seen  string `json:"seen"`         // how it is
	Do    string `json:"do,omitempty"` // what to do about it; "": nothing
}

// Doctor looks at a NATS server, or a cluster of them, and says what is unsafe for jetreduce. It makes nothing there, but for
// a probe like that of a standby where jetreduce is set up, which it removes.
type Doctor struct {
	Server   ConnectConfig
	Prefix   string   // under which jetreduce lives there; "": the usual one
	Monitors []string // URLs of the monitoring endpoints of its servers, as CheckMonitor takes them

	now func() time.Time // this machine's clock; nil: time.Now
}

// doctorWait is how long the answer to one question may take.
const doctorWait = 2 * time.Second

// examination is one look of a doctor.
type examination struct {
	Doctor
	nc       *nats.Conn
	bus      *Bus
	servers  []serverSeen
	account  *jetstream.AccountInfo
	settings []syncSeen // what is known of the servers' configuration
	streams  streamsSeen
	lead     leadSeen
	before   error // what the connection had been told last when the step began
	findings []Finding
}

// Examine says what it has found, at least one thing. A server that does not answer is a finding, too; when ctx ends, what is
// left is unknown.
func (d Doctor) Examine(ctx context.Context) []Finding {
	if d.now == nil {
		d.now = time.Now
	}
	e := &examination{Doctor: d}
	if e.reach(ctx) {
		defer e.nc.Close()
		e.all(ctx)
	}
	return e.findings
}

// step is something to look at, and what its findings are called.
type step struct {
	name string
	look func(ctx context.Context)
}

// all looks at everything, as far as each thing has something to stand on.
func (e *examination) all(ctx context.Context) {
	e.each(ctx, step{"version", e.versions}, step{"server", e.named})
	if !e.jetStream(ctx) {
		e.judge(e.systemSays(ctx)) // the system account has no streams, and knows
		return
	}
	e.each(ctx, step{"payload", e.payload}, step{"fsync", e.fsync}, step{"limits", e.limits}, step{"streams", e.list})
	if e.streams.known && e.setUp() {
		e.each(ctx, step{"storage", e.storage}, step{"settings", e.edited}, step{"replicas", e.replicas}, step{"servers of streams", e.holders},
			step{"queue", e.queue}, step{"coordinator", e.coordinator}, step{"workers", e.workers}, step{"standbys", e.standbys},
			step{"writes", e.writes})
	}
	e.each(ctx, step{"clock", e.clocks}, step{"round trip", e.roundTrips})
}

func (e *examination) each(ctx context.Context, steps ...step) {
	for _, s := range steps {
		if ctx.Err() != nil {
			e.find(LevelUnknown, s.name, "not looked at: the time is up", "give it more with --timeout")
			continue
		}
		e.before = e.nc.LastError()
		s.look(ctx)
	}
}

func (e *examination) find(level Level, name, seen, do string) {
	e.findings = append(e.findings, Finding{level, name, printable(seen), printable(do)})
}

// printable is a text that may come from a stranger as one line that does nothing to a terminal.
func printable(text string) string {
	return abridge(oneLine(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)), maxFinding)
}

// maxFinding is how many bytes a finding says at most: servers and buckets have names of any length.
const maxFinding = 1000

// unanswered says that something could not be learned.
func (e *examination) unanswered(name, what string, err error) {
	seen := fmt.Sprintf("%s: %v", what, e.cause(err))
	e.find(LevelUnknown, name, seen, "look at the server's log, and at what this user may do; or give it more time with --timeout")
}

// cause is why a request has failed. One that is not permitted looks like silence; the reason comes beside it.
func (e *examination) cause(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
		return err
	}
	if denied := e.denied(); denied != nil {
		return denied
	}
	return errors.New("no answer in time")
}

// denied is what this step was not permitted to do, or nil.
func (e *examination) denied() error {
	if denied := e.nc.LastError(); denied != e.before && errors.Is(denied, nats.ErrPermissionViolation) {
		return denied
	}
	return nil
}

// reach connects, and reports whether it has.
func (e *examination) reach(ctx context.Context) bool {
	patience := e.patience(ctx)
	nc, err := nats.Connect(e.Server.URL, append(e.Server.options(), nats.Timeout(patience))...)
	if err != nil {
		seen, do := e.Server.unreached(err, patience)
		e.find(LevelUnsafe, "server", seen, do)
		return false
	}
	if e.bus, err = New(nc, e.Prefix); err != nil {
		nc.Close()
		e.find(LevelUnsafe, "server", err.Error(), "")
		return false
	}
	e.nc = nc
	seen := fmt.Sprintf("%s at %s", nc.ConnectedServerName(), nc.ConnectedAddr())
	if cluster := nc.ConnectedClusterName(); cluster != "" {
		seen += ", of cluster " + cluster
	}
	e.find(LevelOK, "server", seen, "")
	if Exposed(nc) {
		e.find(LevelWarning, "login", "a password or a token goes to another machine over a connection that is not encrypted",
			"give the server TLS, or log in with --creds or --nkey")
	}
	return true
}

// patience is how long each of the addresses may take to answer a first time, so that all have had their turn before ctx ends.
func (e *examination) patience(ctx context.Context) time.Duration {
	end, bounded := ctx.Deadline()
	if !bounded {
		return connectWait
	}
	share := time.Until(end) / time.Duration(strings.Count(e.Server.URL, ",")+1)
	return max(time.Millisecond, min(connectWait, share)).Round(time.Millisecond)
}

// unreached says why there is no connection, without the password that a URL may hold, and what to do.
func (c ConnectConfig) unreached(err error, patience time.Duration) (seen, do string) {
	const other = "name another with --server"
	var slow net.Error
	var address *url.Error
	if r, is := c.refused(err); is {
		return r.seen, r.do
	}
	switch at := c.Address(); {
	case errors.Is(err, nats.ErrNoServers):
		return fmt.Sprintf("%v at %s", ErrNoServer, at), "start one with `jetreduce bus` or `jetreduce coordinator`, or " + other
	case errors.Is(err, nats.ErrTimeout), errors.As(err, &slow) && slow.Timeout():
		return fmt.Sprintf("no answer from %s within %s: what listens there is paused, cut off or no nats-server%s", at, patience, c.TLS.hint()),
			"look at it, or " + other
	case errors.Is(err, nats.ErrNoInfoReceived), errors.Is(err, io.EOF):
		return fmt.Sprintf("%s: %v (%v)", at, err, errStranger), other
	case errors.As(err, &address):
		return fmt.Sprintf("the address cannot be read: %v", address.Err), "write it as nats://HOST:PORT"
	default:
		return fmt.Sprintf("connect to %s: %v", at, err), "look at the server's log, or " + other
	}
}

// members lists some names of what may be many.
func members(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// ours are the names of the streams that must not be lost.
func (n names) ours() []string {
	return []string{n.jobs(), n.plans(), n.tasks(), bucket(n.state()), bucket(n.commits())}
}

// ofThisVersion reports whether a stream's metadata says that this version has made it.
func ofThisVersion(made string) bool { return made == fmt.Sprint(mapreduce.RecordVersion) }
