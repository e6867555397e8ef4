package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// serverSeen is what one server of a cluster says of itself to whoever asks all of them.
type serverSeen struct {
	Name      string    `json:"name"`
	ID        string    `json:"id"`
	Version   string    `json:"ver"`
	JetStream bool      `json:"jetstream"`
	Time      time.Time `json:"time"` // its clock when it answered

	ahead time.Duration // its clock minus this machine's
	error time.Duration // how wrong that may be: half of the round trip
}

const (
	accountPing = "$SYS.REQ.ACCOUNT.PING.STATZ" // every account may ask that
	systemPing  = "$SYS.REQ.SERVER.PING.JSZ"    // the system account may, and who imports it from there
)

// mostServers bounds how many answers are waited for.
const mostServers = 256

// pollPause is how long the servers of a cluster may be silent after one has answered, before no more are expected.
const pollPause = 250 * time.Millisecond

// poll asks all servers at once and hands over each answer, with how long it took.
func (e *examination) poll(ctx context.Context, subject string, body []byte, take func(data []byte, took time.Duration)) error {
	inbox := e.nc.NewInbox()
	sub, err := e.nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	sent := time.Now()
	err = e.nc.PublishRequest(subject, inbox, body)
	for patience, n := time.Second, 0; err == nil && n < mostServers; patience, n = pollPause, n+1 {
		msg, err := nextWithin(ctx, patience, sub)
		if err != nil {
			return unless(n > 0, err)
		}
		take(msg.Data, time.Since(sent))
		if e.nc.ConnectedClusterName() == "" {
			return nil // there are no others
		}
	}
	return err
}

func unless(enough bool, err error) error {
	if enough {
		return nil
	}
	return err
}

func nextWithin(ctx context.Context, patience time.Duration, sub *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return sub.NextMsgWithContext(ctx)
}

// roll asks the servers who they are, and what time it is there. When none says it, the one that we are connected to is known
// by what it said when we came.
func (e *examination) roll(ctx context.Context) {
	_ = e.poll(ctx, accountPing, []byte(`{"include_unused":true}`), func(data []byte, took time.Duration) {
		var answer struct{ Server serverSeen }
		if json.Unmarshal(data, &answer) != nil || answer.Server.ID == "" {
			return
		}
		s := answer.Server
		s.error = took / 2
		s.ahead = s.Time.Sub(e.now().Add(-s.error))
		e.servers = append(e.servers, s)
	})
	slices.SortFunc(e.servers, func(a, b serverSeen) int { return strings.Compare(a.Name, b.Name) })
	if len(e.servers) == 0 {
		e.servers = []serverSeen{{
			Name: e.nc.ConnectedServerName(), ID: e.nc.ConnectedServerId(), Version: e.nc.ConnectedServerVersion(), JetStream: true,
		}}
	}
}

func (e *examination) versions(ctx context.Context) {
	e.roll(ctx)
	before := len(e.findings)
	for _, s := range e.servers {
		e.version(s)
	}
	if len(e.findings) == before {
		e.find(LevelOK, "version", fmt.Sprintf("nats-server %s; answers came from %s", e.servers[0].Version, count(len(e.servers), "server")), "")
	}
}

// version says what a server is too old for.
func (e *examination) version(s serverSeen) {
	do := fmt.Sprintf("run nats-server 2.%d or later", fullMinor)
	switch minor, known := minorOf(s.Version); {
	case !known:
		e.find(LevelUnknown, "version", fmt.Sprintf("server %s is of version %q", s.Name, s.Version), "if it is older than that: "+do)
	case minor < leastMinor:
		e.find(LevelUnsafe, "version", fmt.Sprintf("server %s is nats-server %s, which has no batched direct gets: no job ends", s.Name, s.Version), do)
	case minor < fullMinor:
		e.find(LevelWarning, "version", fmt.Sprintf("server %s is nats-server %s, which makes streams without atomic batches, though it is asked for them",
			s.Name, s.Version), do)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// jetStream looks at what this account has of JetStream, and reports whether it has any.
func (e *examination) jetStream(ctx context.Context) bool {
	try, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	info, err := e.bus.js.AccountInfo(try)
	if err == nil {
		e.find(LevelOK, "jetstream", fmt.Sprintf("on, API level %d", info.API.Level), "")
		e.account = info
		return true
	}
	const other = ", or name another server with --server"
	var refusal *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		e.find(LevelUnsafe, "jetstream", "this account has no JetStream", "switch it on for the account (jetstream: enabled), use another user"+other)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		e.find(LevelUnsafe, "jetstream", "the server has no JetStream", "start it with -js"+other)
	case errors.As(err, &refusal):
		e.find(LevelUnsafe, "jetstream", fmt.Sprintf("the server refuses: %v", err), "look at its log: a cluster needs most of its servers")
	default:
		e.find(LevelUnsafe, "jetstream", fmt.Sprintf("ask for JetStream: %v", e.cause(err)), "look at the server's log, and at what this user may do"+other)
	}
	return false
}

// payload looks at how large a message may be: inputs are cut to fit, runs are not.
func (e *examination) payload(context.Context) {
	most := e.nc.MaxPayload()
	if most < largestChunk+headroom {
		e.find(LevelUnsafe, "payload", fmt.Sprintf("a message may have %d bytes, and the chunks of runs have up to %d", most, largestChunk+headroom),
			"set max_payload: 1MB (the default) on every server")
		return
	}
	e.find(LevelOK, "payload", fmt.Sprintf("a message may have %d bytes", most), "")
}
