package bus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"github.com/nats-io/nats-server/v2/server"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

const monitored = "http: 127.0.0.1:-1\n"

func TestDoctorSaysWhatMayBeLostWithTheMachine(t *testing.T) {
	t.Parallel()
	lazy := withJetStream(t, monitored)
	at := lazy.MonitorAddr().String()
	for _, address := range []string{at, "http://" + at, "http://" + at + "/"} {
		f := examine(t, doctor(lazy.ClientURL(), address))
		f.mustSay(t, bus.LevelUnsafe, "fsync", "theirs", "the last 2 minutes", "the machine (not the process)", "sync_interval: always")
	}
	f := examine(t, doctor(lazy.ClientURL()))
	f.mustSay(t, bus.LevelUnknown, "fsync", "theirs", "--monitor http://HOST:8222", "sync_interval: always")
	mustBeEmpty(t, lazy)
	f.mustSay(t, bus.LevelWarning, "set up", "nobody has set up jetreduce", "`jetreduce coordinator`")

	other := withJetStream(t, monitored)
	f = examine(t, doctor(lazy.ClientURL(), other.MonitorAddr().String()))
	f.mustSay(t, bus.LevelUnknown, "fsync", "which is not the one at "+lazy.Addr().String())
}

func TestDoctorIsContentWithServersThatFsync(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	always := withJetStream(t, monitored+fmt.Sprintf("jetstream { store_dir: %q, sync_interval: always }", dir))
	f := examine(t, doctor(always.ClientURL(), always.MonitorAddr().String()))
	f.mustSay(t, bus.LevelOK, "fsync", "1 server")
	ours := startHost(t, bus.HostConfig{Store: t.TempDir(), Addr: anyPort, Durable: true})
	examine(t, doctor(ours.URL())).mustSay(t, bus.LevelOK, "fsync", "a bus of jetreduce")
}

// The system account knows, and so does an account that imports what it says.
func TestDoctorAsksTheSystemAccount(t *testing.T) {
	t.Parallel()
	lazy := withJetStream(t, `
		system_account: SYS
		accounts {
			SYS { users: [{user: sys, password: p}], exports: [{service: "$SYS.REQ.SERVER.PING.JSZ", response_type: stream}] }
			A { jetstream: enabled, users: [{user: a, password: p}],
				imports: [{service: {account: SYS, subject: "$SYS.REQ.SERVER.PING.JSZ"}}] }
		}`)
	system := examine(t, doctor("nats://sys:p@"+lazy.Addr().String()))
	system.mustSay(t, bus.LevelUnsafe, "jetstream")
	system.mustSay(t, bus.LevelUnsafe, "fsync", "theirs", "2 minutes")
	examine(t, doctor("nats://a:p@"+lazy.Addr().String())).mustSay(t, bus.LevelUnsafe, "fsync", "theirs", "2 minutes")
}

// strangers are what may listen where a monitoring endpoint should, and what is said of it. One is silent until the channel is
// closed.
func strangers(s *server.Server, silent <-chan struct{}) map[string]http.HandlerFunc {
	says := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	return map[string]http.HandlerFunc{
		"no monitoring endpoint of a nats-server: invalid":   says("<html>"),
		"no monitoring endpoint of a nats-server: it says n": says(`{"jetstream":{"config":{"sync_always":true}}}`),
		"it answers 404": http.NotFound,
		"it answers 302": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+s.MonitorAddr().String()+"/varz", http.StatusFound)
		},
		"more than": func(w http.ResponseWriter, _ *http.Request) {
			for _, err := fmt.Fprint(w, `{"server_id":"x","server_name":"`); err == nil; {
				_, err = w.Write(make([]byte, 1<<20))
			}
		},
		"no answer in time": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-silent:
			case <-r.Context().Done():
			}
		},
		"nothing of JetStream": says(fmt.Sprintf(`{"server_id":%q,"server_name":"x"}`, s.ID())),
	}
}

// Whatever listens where a monitoring endpoint should, it is named, and nothing is learned of it.
func TestDoctorBelievesNoStrangerAboutFsync(t *testing.T) {
	t.Parallel()
	s := withJetStream(t, monitored)
	silent := make(chan struct{})
	t.Cleanup(func() { close(silent) })
	for says, answer := range strangers(s, silent) {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			stranger := httptest.NewServer(answer)
			t.Cleanup(stranger.Close)
			f := examine(t, doctor(s.ClientURL(), strings.Replace(stranger.URL, "://", "://user:secret@", 1)))
			f.mustSay(t, bus.LevelUnknown, "fsync", says, strings.TrimPrefix(stranger.URL, "http://"))
			f.mustMeasure(t, "round trip") // it did not take all the time that there was
			if strings.Contains(fmt.Sprint(f), "secret") {
				t.Errorf("the password is shown: %+v", f)
			}
		})
	}
	f := examine(t, doctor(s.ClientURL(), freeAddr(t)))
	f.mustSay(t, bus.LevelUnknown, "fsync", "refused", "--monitor")
}

// A cluster is as safe as the least safe of its servers, and not known to be before all are known.
func TestDoctorWantsToKnowOfEachServerOfACluster(t *testing.T) {
	t.Parallel()
	c := bustest.StartBareCluster(t)
	endpoint := func(i int, config string) string {
		id := c.ConnAt(i).ConnectedServerId()
		says := fmt.Sprintf(`{"server_id":%q,"server_name":"s%d","jetstream":{"config":{%s},"meta":{"cluster_size":3}}}`, id, i, config)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, says) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	const always, lazy = `"sync_always":true`, `"sync_interval":10000000000`
	first, second, third := endpoint(0, always), endpoint(1, always), endpoint(2, always)
	examine(t, doctor(c.URLs(), first)).mustSay(t, bus.LevelUnknown, "fsync", "server s1, s2")
	examine(t, doctor(c.URLs(), first, second, first)).mustSay(t, bus.LevelUnknown, "fsync", "server s2")
	examine(t, doctor(c.URLs(), first, second, third)).mustSay(t, bus.LevelOK, "fsync", "3 servers")
	examine(t, doctor(c.URLs(), first, second, endpoint(2, lazy))).mustSay(t, bus.LevelUnsafe, "fsync", "server s2", "the last 10 seconds")
}

func TestMonitorsAreNamedByURLOrAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"nats:8222": "http://nats:8222/varz", "http://nats:8222": "http://nats:8222/varz", "https://nats/base/": "https://nats/base/varz",
		"": "", "http://": "", "nats://nats:4222": "", "http://a b": "",
	} {
		got, err := bus.CheckMonitor(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", address, got, err, want)
		}
	}
}

// FuzzMonitor: what a monitoring endpoint or a system account says is read or refused, and what was read is safe to show.
func FuzzMonitor(f *testing.F) {
	for _, seed := range []string{
		`{"server_id":"N1","server_name":"a","cluster":{"name":"c"},"jetstream":{"config":{"sync_interval":120000000000},"meta":{"cluster_size":3}}}`,
		`{"server_id":"N1","jetstream":{"config":{"sync_always":true}}}`, `{"server_id":"N1","jetstream":{}}`, `{}`, `null`, `[`, `"x"`,
		`{"server_id":"N1","server_name":"\u001b[2J\n","jetstream":{"config":{"sync_interval":-1},"meta":{"cluster_size":-7}}}`,
		`{"server":{"name":"a","id":"N1","cluster":"c"},"data":{"config":{"sync_interval":1},"meta_cluster":{"cluster_size":3}}}`,
		`{"server":{"name":"a","id":"N1"},"data":{"disabled":true}}`, `{"server":{"id":"N1"},"error":{"code":500}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, read := range []func([]byte) (bus.SyncSeen, error){bus.ReadVarz, bus.ReadJSZ} {
			s, err := read(data)
			if err != nil {
				continue
			}
			if s.ID == "" || s.Interval < 0 || s.Servers < 0 || !s.On && (s.Always || s.Interval != 0) {
				t.Errorf("%+v", s)
			}
			if strings.ContainsFunc(s.Name+s.Cluster, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q %q", s.Name, s.Cluster)
			}
		}
	})
}
