package bus_test

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

const startPatience = 20 * time.Second

func inserted(conf, dir string) string { return strings.ReplaceAll(conf, "%s", dir) }

// Configurations of servers.
const (
	byUser   = "authorization { users: [ { user: ann, password: secret-a } ] }\n"
	byToken  = "authorization { token: secret-t }\n"
	byNKey   = "include nkey.conf\n"
	byCreds  = "include operator.conf\n"
	overTLS  = "tls { cert_file: \"%s/server.pem\", key_file: \"%s/server.key\" }\n"
	bothTLS  = "tls { cert_file: \"%s/server.pem\", key_file: \"%s/server.key\", ca_file: \"%s/ca.pem\", verify: true }\n"
	firstTLS = "tls { cert_file: \"%s/server.pem\", key_file: \"%s/server.key\", handshake_first: true }\n"
)

// attemptOn is a client that comes to a guarded server; says is what it is told, nothing when it is let in.
type attemptOn struct {
	name, conf string
	login      bus.Login
	tls        bus.TLS
	says       []string
}

func attempts() []attemptOn {
	refused, trusted := "authorization refused at 127.0.0.1:", bus.TLS{CA: "%s/ca.pem"}
	shown := bus.TLS{CA: "%s/ca.pem", Cert: "%s/client.pem", Key: "%s/client.key"}
	return []attemptOn{
		{"user", byUser, bus.Login{User: "ann", Password: "secret-a"}, bus.TLS{}, nil},
		{"wrong password", byUser, bus.Login{User: "ann", Password: "secret-b"}, bus.TLS{}, []string{refused, "user ann", "check it"}},
		{"nobody", byUser, bus.Login{}, bus.TLS{}, []string{refused, "nobody", "--creds", "--user"}},
		{"token", byToken, bus.Login{Token: "secret-t"}, bus.TLS{}, nil},
		{"wrong token", byToken, bus.Login{Token: "secret-u"}, bus.TLS{}, []string{refused, "a token"}},
		{"nkey", byNKey, bus.Login{NKey: "%s/user.nk"}, bus.TLS{}, nil},
		{"wrong nkey", byNKey, bus.Login{NKey: "%s/other.nk"}, bus.TLS{}, []string{refused, "the nkey in ", "other.nk"}},
		{"nkey for none", "", bus.Login{NKey: "%s/user.nk"}, bus.TLS{}, []string{refused, "knows no nkeys"}},
		{"creds", byCreds, bus.Login{Creds: "%s/user.creds"}, bus.TLS{}, nil},
		{"creds that expired", byCreds, bus.Login{Creds: "%s/stale.creds"}, bus.TLS{}, []string{refused, "stale.creds", "expired"}},
		{"creds of others", byCreds, bus.Login{Creds: "%s/alien.creds"}, bus.TLS{}, []string{refused, "the credentials in ", "alien.creds"}},
		{"TLS", overTLS, bus.Login{}, trusted, nil},
		{"TLS and a user", overTLS + byUser, bus.Login{User: "ann", Password: "secret-a"}, trusted, nil},
		{"TLS without a CA", overTLS, bus.Login{}, bus.TLS{}, []string{"does not trust", "--tlsca FILE"}},
		{"TLS of others", overTLS, bus.Login{}, bus.TLS{CA: "%s/strangers.pem"}, []string{"is not of those in", "strangers.pem", "--tlsca"}},
		{"TLS for none", "", bus.Login{}, trusted, []string{"offers no TLS", "--tlsca"}},
		{"both TLS", bothTLS, bus.Login{}, shown, nil},
		{"both TLS without a certificate", bothTLS, bus.Login{}, trusted, []string{"this client's certificate", "--tlscert and --tlskey"}},
		{"TLS first", firstTLS, bus.Login{}, bus.TLS{CA: "%s/ca.pem", First: true}, nil},
		{"TLS not first", overTLS, bus.Login{}, bus.TLS{CA: "%s/ca.pem", First: true}, []string{"does not begin with TLS", "--tlsfirst"}},
	}
}

func (a attemptOn) config(g guarded) bus.ConnectConfig {
	in := func(file string) string { return inserted(file, g.ids.Dir) }
	a.login.Creds, a.login.NKey = in(a.login.Creds), in(a.login.NKey)
	a.tls = bus.TLS{Cert: in(a.tls.Cert), Key: in(a.tls.Key), CA: in(a.tls.CA), First: a.tls.First}
	return bus.ConnectConfig{URL: g.plainURL(), Login: a.login, TLS: a.tls, Log: bustest.Quiet()}
}

// plainURL is the server's address, of which nobody learns that it has TLS.
func (g guarded) plainURL() string { return "nats://" + g.Addr().String() }

func TestServerLetsInWhoShowsWhatItAsksForAndTellsOthersWhy(t *testing.T) {
	t.Parallel()
	ids, err := bustest.WriteIdentities(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attempts() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			config := a.config(guardWith(t, ids, a.conf))
			nc, err := bus.Connect(deadline(t), config)
			if err == nil {
				nc.Close()
			}
			if a.says != nil {
				mustSay(t, err, a.says...)
			} else if err != nil {
				t.Error(err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("it tells the secret: %v", err)
			}
			checkDoctor(t, config, a.says)
		})
	}
}

// checkDoctor: a doctor says the same.
func checkDoctor(t *testing.T, config bus.ConnectConfig, says []string) {
	t.Helper()
	first := bus.Doctor{Server: config}.Examine(deadline(t))[0]
	if (first.Level == bus.LevelOK) != (says == nil) {
		t.Errorf("the doctor says %+v", first)
	}
	if text := first.Seen + ": " + first.Do; says != nil {
		mustSay(t, errors.New(text), says...)
	}
}

func TestCredentialsThatAreReplacedAreUsedAtTheNextConnection(t *testing.T) {
	t.Parallel()
	ctx, g, w := deadline(t), guard(t, byCreds), newWords()
	nc, err := bus.Connect(ctx, bus.ConnectConfig{URL: g.plainURL(), Login: bus.Login{Creds: g.ids.File("user.creds")}, Log: w.log()})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	before := g.users(t)
	data, err := os.ReadFile(g.ids.File("next.creds"))
	if err == nil {
		err = os.WriteFile(g.ids.File("user.creds"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	id, _ := nc.GetClientID()
	if err := g.DisconnectClientByID(id); err != nil {
		t.Fatal(err)
	}
	w.await(ctx, t, "bus connection is back", 1)
	if after := g.users(t); len(after) != 1 || slices.Equal(before, after) {
		t.Errorf("connected as %v, and as %v before", after, before)
	}
}

func TestDaemonThatIsNotLetInKeepsTryingAndSaysWhy(t *testing.T) {
	t.Parallel()
	const byOther = "authorization { users: [ { user: bob, password: b } ] }\n"
	ctx, g, w := deadline(t), guard(t, byOther), newWords()
	config := bus.ConnectConfig{URL: g.plainURL(), Login: bus.Login{User: "ann", Password: "secret-a"}, Wait: true, Log: w.log()}
	failed := make(chan error, 1)
	go func() {
		nc, err := bus.Connect(ctx, config)
		if err == nil {
			t.Cleanup(nc.Close)
		}
		failed <- err
	}()
	w.await(ctx, t, "waiting for the bus", 1)
	g.change(t, byUser)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	g.change(t, byOther) // puts ann out
	w.await(ctx, t, "the bus does not let this process back in", 1)
	g.change(t, byUser)
	w.await(ctx, t, "bus connection is back", 1)
	if n := w.count("the bus does not let this process back in"); n != 1 {
		t.Errorf("it said so %d times", n)
	}
	if text := said(w); !strings.Contains(text, "authorization refused") || strings.Contains(text, "secret") {
		t.Error(text)
	}
}

func TestCommandThatIsNotLetBackInIsToldWhy(t *testing.T) {
	t.Parallel()
	ctx, g := deadline(t), guard(t, byUser)
	config := bus.ConnectConfig{URL: g.plainURL(), Login: bus.Login{User: "ann", Password: "secret-a"}, Log: bustest.Quiet()}
	nc, err := bus.Connect(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	closed := nc.StatusChanged(nats.CLOSED)
	g.change(t, "authorization { users: [ { user: bob, password: b } ] }\n")
	select {
	case <-closed:
	case <-ctx.Done():
		t.Fatal("it goes on")
	}
	mustSay(t, config.Ended(nc, nats.ErrConnectionClosed), "authorization refused", "user ann", "connection closed")
	if err := config.Ended(nc, nil); err != nil {
		t.Errorf("a use that went well ends with %v", err)
	}
}

func TestOfSeveralServersTheOneThatRefusesIsNamedAndTheNextIsUsedWithTheSameLogin(t *testing.T) {
	t.Parallel()
	ctx, one, two, w := deadline(t), guard(t, byUser), guard(t, byUser), newWords()
	nobody := "nats://" + freeAddr(t)
	login := bus.Login{User: "ann", Password: "secret-a"}
	for range 4 { // the client takes them in any order
		_, err := bus.Connect(ctx, bus.ConnectConfig{URL: nobody + "," + one.plainURL(), Log: bustest.Quiet()})
		mustSay(t, err, "authorization refused")
	}
	nc, err := bus.Connect(ctx, bus.ConnectConfig{
		URL: strings.Join([]string{nobody, one.plainURL(), two.plainURL()}, ", "), Login: login, Log: w.log(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	from, to := one, two
	if nc.ConnectedAddr() == two.Addr().String() {
		from, to = two, one
	}
	from.Shutdown()
	w.await(ctx, t, "bus connection is back", 1)
	if nc.ConnectedAddr() != to.Addr().String() || !slices.Equal(to.users(t), []string{"ann"}) {
		t.Errorf("connected to %s as %v", nc.ConnectedAddr(), to.users(t))
	}
}

func TestPasswordBeyondThisMachineWithoutTLSIsExposed(t *testing.T) {
	t.Parallel()
	g := guard(t, "listen: 0.0.0.0:-1\n"+byUser)
	_, port, _ := net.SplitHostPort(g.Addr().String())
	login := bus.Login{User: "ann", Password: "secret-a"}
	for host, exposed := range map[string]bool{"127.0.0.1": false, bustest.OtherAddress(t): true} {
		nc, err := bus.Connect(deadline(t), bus.ConnectConfig{URL: "nats://" + net.JoinHostPort(host, port), Login: login, Log: bustest.Quiet()})
		if err != nil {
			t.Fatal(err)
		}
		if bus.Exposed(nc) != exposed {
			t.Errorf("at %s: exposed is %t", host, !exposed)
		}
		nc.Close()
	}
}

func TestDaemonThatIsToldToEndStopsAskingToBeLetIn(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(deadline(t))
	g, w := guard(t, byUser), newWords()
	done := make(chan error, 1)
	go func() {
		_, err := bus.Connect(ctx, bus.ConnectConfig{URL: g.plainURL(), Wait: true, Log: w.log()})
		done <- err
	}()
	w.await(ctx, t, "waiting for the bus", 1)
	stop()
	mustSay(t, <-done, "authorization refused", "nobody")
}
