package bus_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// doctor is one for a server.
func doctor(url string, monitors ...string) bus.Doctor {
	return bus.Doctor{Server: bus.ConnectConfig{URL: url, Log: bustest.Quiet()}, Monitors: monitors}
}

// findings are what a doctor has found.
type findings []bus.Finding

func examine(t *testing.T, d bus.Doctor) findings {
	t.Helper()
	return d.Examine(deadline(t))
}

func (f findings) called(name string) (found findings) {
	for _, each := range f {
		if each.Name == name {
			found = append(found, each)
		}
	}
	return found
}

// mustSay checks that there is one finding of a name, how bad it is, and that it has these words.
func (f findings) mustSay(t *testing.T, level bus.Level, name string, says ...string) {
	t.Helper()
	found := f.called(name)
	if len(found) != 1 || found[0].Level != level {
		t.Errorf("%s: want one that is %s; got %+v of %+v", name, level, found, f)
		return
	}
	for _, word := range says {
		if !strings.Contains(found[0].Seen+" → "+found[0].Do, word) {
			t.Errorf("%s says nothing of %q: %+v", name, word, found[0])
		}
	}
}

// mustMeasure checks that a time was measured, however long: a machine that is busy is slow.
func (f findings) mustMeasure(t *testing.T, name string, says ...string) {
	t.Helper()
	level := bus.LevelOK
	if found := f.called(name); len(found) == 1 && found[0].Level == bus.LevelWarning {
		level = bus.LevelWarning
	}
	f.mustSay(t, level, name, says...)
}

// mustBeAll checks that there are findings of these names, and no others.
func (f findings) mustBeAll(t *testing.T, names ...string) {
	t.Helper()
	var got []string
	for _, each := range f {
		got = append(got, each.Name)
	}
	if !slices.Equal(got, names) {
		t.Errorf("looked at %v, want %v", got, names)
	}
}

// withJetStream starts a nats-server that is none of ours, with all that the configuration says.
func withJetStream(t *testing.T, configuration string) *server.Server {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "conf")
	write(t, path, fmt.Sprintf("port: -1\nserver_name: theirs\njetstream { store_dir: %q }\n%s", dir, configuration))
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	options.Host, options.NoSigs, options.NoLog = "127.0.0.1", true, true
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stopServer(s) })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not become ready")
	}
	return s
}

func jetStreamOf(t *testing.T, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// makeOurs makes the streams of jetreduce as somebody might have.
func makeOurs(t *testing.T, js jetstream.JetStream, as jetstream.StreamConfig) {
	t.Helper()
	for name, subject := range map[string]string{
		"JETREDUCE_JOBS": "jetreduce.jobs", "JETREDUCE_PLANS": "jetreduce.plans.>", "JETREDUCE_TASKS": "jetreduce.tasks.>",
		stateBucket: "$KV.jetreduce-state.>", "KV_jetreduce-commits": "$KV.jetreduce-commits.>",
	} {
		as.Name, as.Subjects, as.AllowDirect = name, []string{subject}, true
		if as.Metadata == nil {
			as.Metadata = map[string]string{"jetreduce.version": "1"}
		}
		if _, err := js.CreateStream(deadline(t), as); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDoctorSaysWhyThereIsNoServer(t *testing.T) {
	t.Parallel()
	free := freeAddr(t)
	for name, c := range map[string]struct {
		addr string
		says []string
	}{
		"nobody":   {free, []string{"no nats-server at " + free, "`jetreduce bus`", "`jetreduce coordinator`", "--server"}},
		"silence":  {listen(t, ""), []string{"no answer", "--server"}},
		"stranger": {listen(t, "SSH-2.0-x\r\n"), []string{"no nats-server", "--server"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := examine(t, doctor("nats://user:secret@"+c.addr))
			f.mustBeAll(t, "server")
			f.mustSay(t, bus.LevelUnsafe, "server", append(c.says, c.addr)...)
			if strings.Contains(fmt.Sprint(f), "secret") {
				t.Errorf("the password is shown: %+v", f)
			}
		})
	}
}

func TestDoctorSaysWhatIsWrongWithTheURL(t *testing.T) {
	t.Parallel()
	refused := withJetStream(t, `authorization { user: u, password: p }`)
	f := examine(t, doctor("nats://u:secret@"+refused.Addr().String()))
	f.mustSay(t, bus.LevelUnsafe, "server", "authorization refused", "the login in the URL")
	examine(t, doctor("nats://u:secret@bad host")).mustSay(t, bus.LevelUnsafe, "server", "cannot be read", "nats://HOST:PORT")
}

// Silence costs no more time than there is, whoever keeps it: what listens, or a server that greets and then stalls.
func TestDoctorDoesNotHang(t *testing.T) {
	t.Parallel()
	info := `INFO {"server_id":"x","server_name":"stalled","version":"2.15.2","max_payload":1048576,"headers":true}` + "\r\nPONG\r\n"
	for name, greeting := range map[string]string{"server": "", "jetstream": info} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(deadline(t), 2*time.Second)
			defer cancel()
			begun := time.Now()
			f := findings(doctor("nats://" + listen(t, greeting)).Examine(ctx))
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			f.mustSay(t, bus.LevelUnsafe, name, "no answer")
		})
	}
}

func TestDoctorLeavesNothingUnsaidWhenTheTimeIsUp(t *testing.T) {
	t.Parallel()
	s := withJetStream(t, "")
	p := startProxy(t, s.Addr().String(), 0)
	ctx, cancel := context.WithTimeout(deadline(t), 3*time.Second)
	defer cancel()
	p.freezeAfter("STREAM.LIST")
	f := findings(doctor("nats://" + p.addr).Examine(ctx))
	f.mustSay(t, bus.LevelUnknown, "streams", "no answer in time")
	f.mustSay(t, bus.LevelUnknown, "round trip", "the time is up", "--timeout")
}

func TestDoctorTellsVersionsThatCannotDoIt(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bus.Level{
		"2.10.29": bus.LevelUnsafe, "2.11.10": bus.LevelWarning, "2.12.0-RC.1": bus.LevelOK, "2.15.2": bus.LevelOK, "3.0.0": bus.LevelOK,
		"1.4.1": bus.LevelUnsafe, "later": bus.LevelUnknown, "": bus.LevelUnknown,
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(deadline(t), 3*time.Second)
			defer cancel()
			greeting := fmt.Sprintf("INFO {\"server_id\":\"x\",\"version\":%q,\"max_payload\":1048576,\"headers\":true}\r\nPONG\r\n", version)
			findings(doctor("nats://"+listen(t, greeting)).Examine(ctx)).mustSay(t, want, "version", version)
		})
	}
}

func TestDoctorSaysThatThereIsNoJetStream(t *testing.T) {
	t.Parallel()
	s := startServer(t, server.Options{Port: server.RANDOM_PORT})
	f := examine(t, doctor(s.ClientURL()))
	f.mustBeAll(t, "server", "version", "jetstream")
	f.mustSay(t, bus.LevelUnsafe, "jetstream", "no JetStream", "start it with -js")
	s = withJetStream(t, `accounts { A { users: [{user: a, password: p}] } }`)
	f = examine(t, doctor("nats://a:p@"+s.Addr().String()))
	f.mustSay(t, bus.LevelUnsafe, "jetstream", "this account has no JetStream", "jetstream: enabled")
}

func TestDoctorSaysWhichLimitsAreLow(t *testing.T) {
	t.Parallel()
	s := withJetStream(t, `
		max_payload: 65536
		accounts {
			LOW { jetstream { max_streams: 8, max_consumers: 4, max_file: 100MB, max_mem: 0 }, users: [{user: low, password: p}] }
			NONE { jetstream { max_file: 0 }, users: [{user: none, password: p}] }
			FREE { jetstream: enabled, users: [{user: free, password: p}] }
		}`)
	low := examine(t, doctor("nats://low:p@"+s.Addr().String()))
	low.mustSay(t, bus.LevelUnsafe, "payload", "65536", "max_payload: 1MB")
	said := fmt.Sprint(low.called("limits"))
	for _, word := range []string{"{warning limits 0 of 8 streams", "4 consumers", "0 B of 100.0 MiB", "one for each partition", "keeps 7"} {
		if !strings.Contains(said, word) || strings.Contains(said, "unsafe") {
			t.Errorf("nothing of %q in %s", word, said)
		}
	}
	none := examine(t, doctor("nats://none:p@"+s.Addr().String()))
	none.mustSay(t, bus.LevelUnsafe, "limits", "nothing on disk", "max_file")
	examine(t, doctor("nats://free:p@"+s.Addr().String())).mustSay(t, bus.LevelUnknown, "limits", "a client cannot see", "--monitor", "max_file_store")
}

func TestDoctorSaysWhatThisUserMayNotDo(t *testing.T) {
	t.Parallel()
	s := withJetStream(t, `authorization { users: [{user: u, password: p, permissions { publish: { deny: ["$JS.API.STREAM.LIST", "$SYS.>"] } } }] }`)
	f := examine(t, doctor("nats://u:p@"+s.Addr().String()))
	f.mustSay(t, bus.LevelUnknown, "streams", "$JS.API.STREAM.LIST", "ermissions")
	f.mustSay(t, bus.LevelUnknown, "clock", "no server has said")
}

// proxy is a way to a server that takes its time, or ends.
type proxy struct {
	addr  string
	delay time.Duration // of what comes back

	mu   sync.Mutex
	word string // after which nothing passes any more; "": all does
}

func (p *proxy) freezeAfter(word string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.word = word
}

func startProxy(t *testing.T, to string, delay time.Duration) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", anyPort)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), delay: delay}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.carry(conn, to) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return p
}

// carry carries what two say to each other until one of them leaves.
func (p *proxy) carry(client net.Conn, to string) {
	defer client.Close()
	behind, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer behind.Close()
	var back sync.WaitGroup
	defer back.Wait()
	back.Go(func() {
		defer client.Close()
		_, _ = io.Copy(late{client, p.delay}, behind)
	})
	defer behind.Close()
	buffer := make([]byte, 64<<10)
	for n := 0; err == nil; n, err = client.Read(buffer) {
		if p.ends(string(buffer[:n])) {
			_, _ = io.Copy(io.Discard, client)
			return
		}
		_, _ = behind.Write(buffer[:n])
	}
}

func (p *proxy) ends(said string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.word != "" && strings.Contains(said, p.word)
}

// late writes everything later.
type late struct {
	io.Writer
	by time.Duration
}

func (l late) Write(b []byte) (int, error) {
	if l.by > 0 {
		<-time.After(l.by)
	}
	return l.Writer.Write(b)
}

// mustBeEmpty checks that nothing was made on a server.
func mustBeEmpty(t *testing.T, s *server.Server) {
	t.Helper()
	for name := range jetStreamOf(t, connectPlain(t, s)).StreamNames(deadline(t)).Name() {
		t.Errorf("stream %s was made", name)
	}
}
