package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// spoken is what a user says about a server, and what comes of it.
type spoken struct {
	name      string
	flags     string
	variables map[string]string
	context   string // JSON; it is named with --context prod unless variables name it

	url     string
	login   bus.Login
	tls     bus.TLS
	inbox   string
	refused []string
}

func words() []spoken {
	ann, bob := bus.Login{User: "ann", Password: "a"}, bus.Login{User: "bob", Password: "b"}
	annOf, bobSet := `{"url":"nats://c:1","user":"ann","password":"a"}`, map[string]string{"NATS_USER": "bob", "NATS_PASSWORD": "b"}
	both := bus.TLS{Cert: "DIR/client.pem", Key: "DIR/client.key", CA: "DIR/ca.pem"}
	return []spoken{
		{name: "nothing", url: ""},
		{name: "flag over variable", flags: "--server nats://f:1", variables: map[string]string{"NATS_URL": "nats://v:1"}, url: "nats://f:1"},
		{name: "variable over context", variables: map[string]string{"NATS_URL": "nats://v:1"}, context: annOf, url: "nats://v:1", login: ann},
		{name: "context", context: annOf, url: "nats://c:1", login: ann},
		{name: "context without a URL", context: `{"user":"ann","password":"a"}`, url: "nats://127.0.0.1:4222", login: ann},
		{name: "context of a variable", variables: map[string]string{"NATS_CONTEXT": "prod"}, context: annOf, url: "nats://c:1", login: ann},
		{name: "login of variables over the context's", variables: bobSet, context: annOf, url: "nats://c:1", login: bob},
		{name: "another way to log in", flags: "--creds DIR/user.creds", context: annOf, url: "nats://c:1",
			login: bus.Login{Creds: "DIR/user.creds"}},
		{name: "flag's way over the variables'", flags: "--server nats://f:1 --nkey DIR/user.nk", variables: bobSet, url: "nats://f:1",
			login: bus.Login{NKey: "DIR/user.nk"}},
		{name: "password over the context's", flags: "--password b", context: annOf, url: "nats://c:1",
			login: bus.Login{User: "ann", Password: "b"}},
		{name: "user of a flag, password of a variable", flags: "--server nats://f:1 --user bob",
			variables: map[string]string{"NATS_PASSWORD": "b"}, url: "nats://f:1", login: bob},
		{name: "user alone is a token", flags: "--server nats://f:1 --user t", url: "nats://f:1", login: bus.Login{Token: "t"}},
		{name: "user over the context's is not paired with its password", flags: "--user t", context: annOf, url: "nats://c:1",
			login: bus.Login{Token: "t"}},
		{name: "login in the URL", flags: "--server nats://u:p@f:1", context: annOf, url: "nats://u:p@f:1"},
		{name: "flag over the login in a context's URL", flags: "--user bob --password b",
			context: `{"url":"nats://u:p@c:1,tls://c:2"}`, url: "nats://c:1,tls://c:2", login: bob},
		{name: "TLS", flags: "--server nats://f:1 --tlsca DIR/ca.pem", url: "nats://f:1",
			context: `{"cert":"DIR/client.pem","key":"DIR/client.key"}`,
			tls:     both},
		{name: "TLS first, not first", flags: "--tlsfirst=false", context: `{"url":"nats://c:1","tls_first":true}`, url: "nats://c:1"},
		{name: "TLS first", context: `{"url":"nats://c:1","tls_first":true}`, url: "nats://c:1", tls: bus.TLS{First: true}},
		{name: "inboxes", flags: "--inbox-prefix _F", context: `{"url":"nats://c:1","inbox_prefix":"_C"}`, url: "nats://c:1", inbox: "_F"},
		{name: "home", context: `{"url":"nats://c:1","creds":"~/user.creds","ca":"$HOME/ca.pem"}`, url: "nats://c:1",
			login: bus.Login{Creds: "DIR/user.creds"}, tls: bus.TLS{CA: "DIR/ca.pem"}},

		{name: "two ways", flags: "--server nats://f:1 --creds DIR/user.creds --token t", refused: []string{"--creds and --token", "two ways"}},
		{name: "two ways, one in the URL", flags: "--server nats://u:p@f:1 --token t", refused: []string{"--token and the URL of --server"}},
		{name: "password alone", flags: "--server nats://f:1 --password b", refused: []string{"--password: the password of whom?"}},
		{name: "key alone", flags: "--server nats://f:1 --tlskey DIR/client.key", refused: []string{"--tlskey: the key of what?"}},
		{name: "certificate alone", flags: "--server nats://f:1 --tlscert DIR/client.pem", refused: []string{"--tlscert: its key is missing"}},
		{name: "no such file", flags: "--server nats://f:1", variables: map[string]string{"NATS_CREDS": "DIR/none"},
			refused: []string{"NATS_CREDS: open DIR/none: no such file"}},
		{name: "no such file of a context", context: `{"nkey":"DIR/none"}`,
			refused: []string{"nkey of context prod: open DIR/none: no such file"}},
		{name: "another file", flags: "--server nats://f:1 --tlsca DIR/user.nk", refused: []string{"--tlsca: DIR/user.nk holds no certificate"}},
		{name: "inboxes of none", flags: "--server nats://f:1 --inbox-prefix a.>", refused: []string{"--inbox-prefix", "no prefix of a subject"}},
		{name: "no such context", flags: "--context test", context: `{}`, refused: []string{`--context: there is no context "test"`, "use prod"}},
		{name: "prefix", flags: "--prefix A", refused: []string{`--prefix: prefix "A"`, "small letters"}},
		{name: "prefix of a variable", variables: map[string]string{"JETREDUCE_PREFIX": "a.b"},
			refused: []string{`JETREDUCE_PREFIX: prefix "a.b"`}},
		{name: "proxy", flags: "--server nats://f:1", variables: map[string]string{"NATS_SOCKS_PROXY": "x"},
			refused: []string{"NATS_SOCKS_PROXY"}},
		{name: "JWT", flags: "--server nats://f:1", variables: map[string]string{"NATS_JWT": "x"}, refused: []string{"NATS_JWT", "NATS_CREDS"}},
	}
}

func TestFlagsWinOverVariablesAndTheseOverTheContext(t *testing.T) {
	dir := t.TempDir()
	if _, err := bustest.WriteIdentities(dir); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	for _, said := range words() {
		t.Run(said.name, func(t *testing.T) { said.check(t, dir) })
	}
}

func (s spoken) check(t *testing.T, dir string) {
	in := func(text string) string { return strings.ReplaceAll(text, "DIR", dir) }
	args := strings.Fields(in(s.flags))
	if s.context != "" {
		writeContext(t, dir, in(s.context))
		if s.variables["NATS_CONTEXT"] == "" && !strings.Contains(s.flags, "--context") {
			args = append(args, "--context", "prod")
		}
	}
	for variable, value := range s.variables {
		t.Setenv(variable, in(value))
	}
	got, err := reached(t, args)
	if s.refused != nil {
		for _, word := range s.refused {
			if err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), in(word)) {
				t.Errorf("%v; want a usage error that says %q", err, in(word))
			}
		}
		return
	}
	want := bus.ConnectConfig{URL: s.url, InboxPrefix: s.inbox, TLS: bus.TLS{
		Cert: in(s.tls.Cert), Key: in(s.tls.Key), CA: in(s.tls.CA), First: s.tls.First}, Login: s.login}
	want.Login.Creds, want.Login.NKey = in(want.Login.Creds), in(want.Login.NKey)
	if err != nil || got.connect != want {
		t.Errorf("%+v, %v, want %+v", got.connect, err, want)
	}
}

func writeContext(t *testing.T, dir, text string) {
	t.Helper()
	contexts := filepath.Join(dir, "config", "nats", "context")
	if err := os.MkdirAll(contexts, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(contexts, "prod.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reached is what a command makes of its arguments.
func reached(t *testing.T, args []string) (at busAt, err error) {
	t.Helper()
	var f serverFlag
	cmd := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) (failed error) {
		at, failed = f.named()
		return failed
	}}
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	f.register(cmd, "none")
	cmd.SetArgs(append([]string{}, args...))
	return at, cmd.Execute()
}

func TestContextThatIsOnlySelectedSendsNothingAnywhere(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	writeContext(t, dir, `{"url":"nats://c:1","user":"ann","password":"a"}`)
	if err := os.WriteFile(filepath.Join(dir, "config", "nats", "context.txt"), []byte("prod"), 0o600); err != nil {
		t.Fatal(err)
	}
	if at, err := reached(t, nil); err != nil || !at.none() || at.connect.Login != (bus.Login{}) {
		t.Errorf("%+v, %v", at, err)
	}
}

func TestContextIsAlsoNamedByItsFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	writeContext(t, dir, `{"url":"nats://c:1"}`)
	at, err := reached(t, []string{"--context", filepath.Join(dir, "config", "nats", "context", "prod.json")})
	if err != nil || at.connect.URL != "nats://c:1" {
		t.Errorf("%+v, %v", at, err)
	}
	t.Chdir(filepath.Join(dir, "config", "nats", "context"))
	if at, err := reached(t, []string{"--context", "prod.json"}); err != nil || at.connect.URL != "nats://c:1" {
		t.Errorf("%+v, %v", at, err)
	}
}

func TestOnlyTheReaderOfTheOutputMayHaveEnough(t *testing.T) {
	t.Parallel()
	broken := os.NewSyscallError("write", syscall.EPIPE)
	if !hasEnough(&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}) {
		t.Error("| head is an error")
	}
	if hasEnough(fmt.Errorf("connect: %w", &net.OpError{Op: "write", Net: "tcp", Err: broken})) || hasEnough(io.EOF) {
		t.Error("a connection that breaks is none")
	}
}

func TestPasswordThatGoesToAnotherMachineUnencryptedIsSaidOnce(t *testing.T) {
	t.Parallel()
	s := plainServer(t, &server.Options{Host: "0.0.0.0"})
	_, port, _ := net.SplitHostPort(s.Addr().String())
	for address, times := range map[string]int{"127.0.0.1": 0, bustest.OtherAddress(t): 1} {
		var words, log strings.Builder
		at := busAt{words: &words, connect: bus.ConnectConfig{
			URL: "nats://" + net.JoinHostPort(address, port), Login: bus.Login{User: "ann", Password: "secret"},
			Log: slog.New(slog.NewTextHandler(&log, nil)),
		}}
		nothing := func(context.Context, *bus.Bus) error { return nil }
		for _, at.connect.Wait = range []bool{false, true} {
			if err := overBus(t.Context(), at, nothing, nothing); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range []string{words.String(), log.String()} {
			if strings.Count(text, "not encrypted") != times || strings.Contains(text, "secret") {
				t.Errorf("%s: it says %q", address, text)
			}
		}
	}
}

// plainServer is a nats-server with JetStream that ends with the test.
func plainServer(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Port, o.JetStream, o.StoreDir, o.NoSigs, o.NoLog = server.RANDOM_PORT, true, t.TempDir(), true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s
}

func TestCommandThatIsPutOutSaysWhy(t *testing.T) {
	t.Parallel()
	user := func(name string) []*server.User { return []*server.User{{Username: name, Password: "secret"}} }
	o := &server.Options{Host: "127.0.0.1", Users: user("ann")}
	s := plainServer(t, o)
	at := busAt{connect: bus.ConnectConfig{
		URL: s.ClientURL(), Login: bus.Login{User: "ann", Password: "secret"}, Log: quiet(),
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	nothing := func(context.Context, *bus.Bus) error { return nil }
	err := overBus(ctx, at, nothing, func(ctx context.Context, b *bus.Bus) error {
		without := *o
		without.Users, without.Port = user("bob"), s.Addr().(*net.TCPAddr).Port
		if err := s.ReloadOptions(&without); err != nil {
			return err
		}
		return b.AwaitSetUp(ctx, quiet()) // which nobody does
	})
	if err == nil || !strings.Contains(err.Error(), "authorization refused") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v; it should say that it was put out", err)
	}
}
