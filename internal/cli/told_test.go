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
	got, err := s.say(t, dir)
	for _, word := range s.refused {
		if err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), in(word)) {
			t.Errorf("%v; want a usage error that says %q", err, in(word))
		}
	}
	want := bus.ConnectConfig{URL: s.url, InboxPrefix: s.inbox, TLS: bus.TLS{
		Cert: in(s.tls.Cert), Key: in(s.tls.Key), CA: in(s.tls.CA), First: s.tls.First}, Login: s.login}
	want.Login.Creds, want.Login.NKey = in(want.Login.Creds), in(want.Login.NKey)
	if s.refused == nil && (err != nil || got.connect != want) {
		t.Errorf("%+v, %v, want %+v", got.connect, err, want)
	}
}

// say is what a command makes of it.
func (s spoken) say(t *testing.T, dir string) (busAt, error) {
	args := strings.Fields(strings.ReplaceAll(s.flags, "DIR", dir))
	if s.context != "" {
		writeContext(t, dir, strings.ReplaceAll(s.context, "DIR", dir))
		if s.variables["NATS_CONTEXT"] == "" && !strings.Contains(s.flags, "--context") {
			args = append(args, "--context", "prod")
		}
	}
	for variable, value := range s.variables {
		t.Setenv(variable, strings.ReplaceAll(value, "DIR", dir))
	}
	return reached(t, args)
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

// What a variable that is not set leaves of a flag would leave the word to another variable, or to the context.
func TestEmptyFlagAboutAServerIsRefused(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	writeContext(t, dir, annOf)
	for _, text := range new(serverFlag).texts("") {
		if text.variable != "" {
			t.Setenv(text.variable, "")
		}
	}
	t.Setenv("NATS_URL", "nats://v:1")
	t.Setenv("NATS_USER", "bob")
	for _, text := range new(serverFlag).texts("") {
		for _, others := range [][]string{nil, {"--context=prod"}} {
			_, err := reached(t, append(others, "--"+text.name+"="))
			if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "--"+text.name+" is empty") {
				t.Errorf("--%s= %v: %v", text.name, others, err)
			}
		}
	}
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
