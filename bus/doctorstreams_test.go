package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// answer plays a leader that answers requests.
func answer(t *testing.T, nc *nats.Conn, want mapreduce.Want, text string) {
	t.Helper()
	if _, err := nc.Subscribe("jetreduce.api."+string(want), func(msg *nats.Msg) { _ = msg.Respond([]byte(text)) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

// busAt makes a bus over a connection of its own.
func busAt(t *testing.T, url string) *bus.Bus {
	t.Helper()
	b, err := bus.New(connect(deadline(t), t, url), "")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// settled starts a bus of ours on which everything is set up.
func settled(t *testing.T) (url string, b *bus.Bus) {
	t.Helper()
	host := startHost(t, bus.HostConfig{Store: t.TempDir(), Addr: anyPort, Durable: true})
	b = busAt(t, host.URL())
	if err := b.SetUp(deadline(t), bus.SetUp{Classes: []mapreduce.Class{bustest.Class}}); err != nil {
		t.Fatal(err)
	}
	return host.URL(), b
}

func TestDoctorSaysThatNobodyIsThere(t *testing.T) {
	t.Parallel()
	url, _ := settled(t)
	f := examine(t, doctor(url))
	f.mustSay(t, bus.LevelOK, "set up", "6 streams")
	f.mustSay(t, bus.LevelWarning, "coordinator", "no coordinator leads: nobody has ever led", "`jetreduce coordinator`")
	f.mustSay(t, bus.LevelUnknown, "workers", "only a coordinator")
	f.mustSay(t, bus.LevelWarning, "standbys", "nobody takes over", "`jetreduce backup`")
	f.mustSay(t, bus.LevelWarning, "replicas", "not its disk")
}

// play makes the traces of a leader and of a standby again and again, as they do, until both are killed.
func play(ctx context.Context, t *testing.T, b *bus.Bus, leader, standby string) (epoch mapreduce.Epoch, kill func()) {
	t.Helper()
	epoch, err := takeEpoch(ctx, b, leader)
	if err != nil {
		t.Fatal(err)
	}
	trace := func() error {
		_, look := b.Sight(standby).Look(ctx)
		return errors.Join(b.Lease(leader).Renew(ctx, epoch), look)
	}
	if _, err := b.Sight(leader).Look(ctx); err != nil { // who leads has stood by before
		t.Fatal(err)
	}
	if err := trace(); err != nil {
		t.Fatal(err)
	}
	beat := time.NewTicker(200 * time.Millisecond)
	t.Cleanup(beat.Stop)
	alive, end := context.WithCancel(ctx)
	var living sync.WaitGroup
	living.Go(func() {
		for alive.Err() == nil {
			if err := trace(); err != nil {
				t.Error(err)
				return
			}
			select {
			case <-alive.Done():
			case <-beat.C:
			}
		}
	})
	kill = sync.OnceFunc(func() { end(); living.Wait() })
	t.Cleanup(kill)
	return epoch, kill
}

func TestDoctorSaysWhoIsThere(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	url, b := settled(t)
	nc := connect(ctx, t, url)
	epoch, _ := play(ctx, t, b, "first", "second")
	answer(t, nc, mapreduce.WantList, `{"jobs":[{"id":"a"}],"more":2}`)
	answer(t, nc, mapreduce.WantWorkers, `[{"worker":"w1","slots":{"io":1,"test":2}}]`)
	f := examine(t, doctor(url))
	f.mustBeAll(t, "server", "version", "jetstream", "payload", "fsync", "limits", "set up", "storage", "settings", "replicas", "leaders",
		"queue", "coordinator", "workers", "standbys", "writes", "clock", "round trip")
	f.mustSay(t, bus.LevelOK, "coordinator", "first leads", fmt.Sprintf("epoch %d", epoch), "3 jobs")
	f.mustSay(t, bus.LevelOK, "workers", "1 worker with 2 slots")
	f.mustSay(t, bus.LevelOK, "standbys", "second")
	f.mustSay(t, bus.LevelOK, "queue", "default-io", "default-test")
	f.mustSay(t, bus.LevelOK, "storage")
	f.mustMeasure(t, "writes", "acknowledged after")
	f.mustMeasure(t, "round trip", "to the server and back")
	if standbys := f.called("standbys"); strings.Contains(fmt.Sprint(standbys), "first") {
		t.Errorf("who leads takes its own place: %+v", standbys)
	}
	mustHaveNoDoctorsProbe(ctx, t, nc)
}

// The traces of processes that were killed are not taken for life.
func TestDoctorIsNotFooledByTheDead(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	url, b := settled(t)
	_, kill := play(ctx, t, b, "first", "second")
	answer(t, connect(ctx, t, url), mapreduce.WantList, `{"jobs":[]}`)
	f := examine(t, doctor(url))
	f.mustSay(t, bus.LevelOK, "coordinator")
	f.mustSay(t, bus.LevelOK, "standbys")
	kill()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for f.called("standbys")[0].Level == bus.LevelOK {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("still alive: %+v", f)
		}
		f = examine(t, doctor(url))
	}
	f.mustSay(t, bus.LevelWarning, "standbys", "nobody takes over")
	f.mustSay(t, bus.LevelWarning, "coordinator", "first leads", "has not renewed its lease for")
}

// What a doctor writes it removes, and it is no standby.
func mustHaveNoDoctorsProbe(ctx context.Context, t *testing.T, nc *nats.Conn) {
	t.Helper()
	info, err := stateStream(ctx, t, nc).Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		t.Fatal(err)
	}
	for subject := range info.State.Subjects {
		if strings.Contains(subject, "doctor") {
			t.Errorf("%s is left", subject)
		}
	}
}

func TestDoctorSaysThatALeaderDoesNotAnswer(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), withJetStream(t, "")
	b := busAt(t, s.ClientURL())
	if err := b.SetUp(ctx, bus.SetUp{}); err != nil {
		t.Fatal(err)
	}
	nc := connectPlain(t, s)
	if _, err := nc.SubscribeSync("jetreduce.api.*"); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	f := examine(t, doctor(s.ClientURL()))
	f.mustSay(t, bus.LevelWarning, "coordinator", "a coordinator is known, and does not answer within 2s: nobody has ever led", "look at its log")
	f.mustSay(t, bus.LevelUnknown, "workers")
	epoch, _ := play(ctx, t, b, "first", "second")
	f = examine(t, doctor(s.ClientURL()))
	f.mustSay(t, bus.LevelWarning, "coordinator", fmt.Sprintf("does not answer within 2s: the last was first, epoch %d, whose lease was renewed", epoch))
	if said := fmt.Sprint(f.called("coordinator")); strings.Contains(said, "its answer is") {
		t.Errorf("silence is called an answer: %s", said)
	}
}

// A lease that was renewed after the doctor looked at the clock is a lease.
func TestDoctorSeesALeaseRenewedWhileItLooks(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	epoch := &jetstream.RawStreamMsg{Sequence: 7, Data: []byte("first")}
	for _, renewed := range []time.Duration{-100 * time.Millisecond, 0, time.Millisecond} {
		lease := &jetstream.RawStreamMsg{Sequence: 9, Data: []byte(`{"v":1,"epoch":7}`), Time: now.Add(renewed)}
		if said, err := bus.LeaseAge(now, epoch, lease); err != nil || !strings.Contains(said, "lease was renewed 0.") {
			t.Errorf("a lease renewed %s after the look: %q, %v", renewed, said, err)
		}
	}
	if said, err := bus.LeaseAge(now, epoch, nil); err != nil || said != "" {
		t.Errorf("no lease: %q, %v", said, err)
	}
}

func TestDoctorTouchesNothingOfAnotherVersion(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), withJetStream(t, "")
	nc := connectPlain(t, s)
	makeOurs(t, jetStreamOf(t, nc), jetstream.StreamConfig{Metadata: map[string]string{"jetreduce.version": "99"}})
	f := examine(t, doctor(s.ClientURL()))
	f.mustSay(t, bus.LevelUnsafe, "set up", `JETREDUCE_TASKS ("99")`, "binaries of one version", "nothing was touched")
	if info := stateStream(ctx, t, nc).CachedInfo(); info.State.LastSeq != 0 {
		t.Errorf("%d messages were written", info.State.LastSeq)
	}
}

func TestDoctorSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), withJetStream(t, "")
	js := jetStreamOf(t, connectPlain(t, s))
	makeOurs(t, js, jetstream.StreamConfig{Storage: jetstream.MemoryStorage})
	if err := js.DeleteStream(ctx, "JETREDUCE_PLANS"); err != nil {
		t.Fatal(err)
	}
	f := examine(t, doctor(s.ClientURL()))
	f.mustSay(t, bus.LevelWarning, "set up", "JETREDUCE_PLANS", "`jetreduce coordinator`")
	f.mustSay(t, bus.LevelUnsafe, "storage", "in memory", "JETREDUCE_JOBS", "KV_jetreduce-state", "nats stream rm NAME")
	f.mustSay(t, bus.LevelWarning, "queue", "no consumer default-io", "`jetreduce coordinator`")
}

func TestDoctorWantsReplicasOnACluster(t *testing.T) {
	t.Parallel()
	ctx, c := deadline(t), bustest.StartBareCluster(t)
	js := jetStreamOf(t, c.Conn())
	makeOurs(t, js, jetstream.StreamConfig{Replicas: 1})
	for _, f := range examine(t, doctor(c.URLs())).called("replicas") {
		if name := strings.Fields(f.Seen)[0]; f.Level != bus.LevelUnsafe || f.Do != fmt.Sprintf("nats stream edit %s --replicas 3", name) {
			t.Errorf("%+v", f)
		}
	}
	if f := examine(t, doctor(c.URLs())); len(f.called("replicas")) != 5 {
		t.Errorf("%+v", f)
	}
	replicate3(ctx, t, js)
	f := examine(t, doctor(c.URLs()))
	f.mustSay(t, bus.LevelOK, "replicas")
	f.mustSay(t, bus.LevelOK, "version", "3 servers")
	f.mustSay(t, bus.LevelUnknown, "fsync", "s0, s1, s2")
	f.mustMeasure(t, "writes")
}

// replicate3 gives all streams three replicas, and waits until all have caught up.
func replicate3(ctx context.Context, t *testing.T, js jetstream.JetStream) {
	t.Helper()
	for name := range js.StreamNames(ctx).Name() {
		stream, err := js.Stream(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		config := stream.CachedInfo().Config
		config.Replicas = 3
		if _, err := js.UpdateStream(ctx, config); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDoctorSaysWhichStreamsLackServers(t *testing.T) {
	t.Parallel()
	c := bustest.StartBareCluster(t)
	js := jetStreamOf(t, c.Conn())
	makeOurs(t, js, jetstream.StreamConfig{Replicas: 3})
	lane := jetstream.StreamConfig{Name: "JETREDUCE_RUNS_u1_1_0", Subjects: []string{"jetreduce.runs.u1.1.0"}, Replicas: 1}
	if _, err := js.CreateStream(deadline(t), lane); err != nil {
		t.Fatal(err)
	}
	leader := c.LeaderOf(lane.Name)
	dead := fmt.Sprintf("s%d", leader)
	c.Kill(leader)
	awaitAbsence(t, js)
	c.MetaLeader()
	for _, name := range []string{"JETREDUCE_JOBS", "JETREDUCE_PLANS", "JETREDUCE_TASKS", stateBucket, "KV_jetreduce-commits"} {
		c.LeaderOf(name) // another is elected
	}
	f := examine(t, doctor(c.URLs()))
	said := f.saidOf("leaders")
	for _, word := range []string{"{warning leaders no server answers for " + lane.Name, "are made again", "offline: " + dead, stateBucket, "one more and nothing goes on"} {
		if !strings.Contains(said, word) {
			t.Errorf("nothing of %q in %+v", word, f)
		}
	}
	f.mustSayWhoIsAway(t, strings.TrimPrefix(c.URL(leader), "nats://"))
}

func (f findings) mustSayWhoIsAway(t *testing.T, at string) {
	t.Helper()
	f.mustSay(t, bus.LevelWarning, "replicas", "not all of them are there", "start that server again")
	f.mustSay(t, bus.LevelOK, "version", "2 servers")
	f.mustMeasure(t, "writes")
	if said := f.saidOf("leaders"); strings.Contains(said, "unsafe") || strings.Contains(said, "is behind") {
		t.Errorf("what can be done without is called unsafe, or who is dead late: %s", said)
	}
	if said := f.saidOf("server"); !strings.Contains(said, at) || !strings.Contains(said, "{warning server") {
		t.Errorf("nothing of %s in %s", at, said)
	}
}

// awaitAbsence waits until the others say of a server that it is away.
func awaitAbsence(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	ctx := deadline(t)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, time.Second)
		state, err := js.Stream(try, stateBucket)
		cancel()
		if err == nil && slices.ContainsFunc(state.CachedInfo().Cluster.Replicas, func(p *jetstream.PeerInfo) bool { return p.Offline || !p.Current }) {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("all servers are there: %v", err)
		}
	}
}

func TestDoctorComparesClocks(t *testing.T) {
	t.Parallel()
	s := withJetStream(t, "")
	examine(t, doctor(s.ClientURL())).mustSay(t, bus.LevelOK, "clock", "within")
	examine(t, doctor(s.ClientURL()).At(time.Hour)).mustSay(t, bus.LevelWarning, "clock", "theirs is 3600.0 s behind this machine", "who leads does not")
	examine(t, doctor(s.ClientURL()).At(-2*time.Second)).mustSay(t, bus.LevelWarning, "clock", "theirs is 2.0 s ahead of this machine")

	denied := withJetStream(t, `authorization { users: [{user: u, password: p, permissions { publish: { deny: ["$SYS.>"] } } }] }`)
	url := "nats://u:p@" + denied.Addr().String()
	makeOurs(t, jetStreamOf(t, connect(deadline(t), t, url)), jetstream.StreamConfig{})
	examine(t, doctor(url).At(time.Hour)).mustSay(t, bus.LevelWarning, "clock", "the server is 3600.0 s behind")
}

func TestDoctorSaysThatTheServerIsFarAway(t *testing.T) {
	t.Parallel()
	s := withJetStream(t, "")
	makeOurs(t, jetStreamOf(t, connectPlain(t, s)), jetstream.StreamConfig{})
	p := startProxy(t, s.Addr().String(), 120*time.Millisecond)
	f := examine(t, doctor("nats://"+p.addr))
	f.mustSay(t, bus.LevelWarning, "round trip", "250 ms", "nearer")
	f.mustSay(t, bus.LevelWarning, "writes", "250 ms", "faster disk")
	f.mustSay(t, bus.LevelOK, "clock")
}

func TestDoctorSaysThatNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	s := withJetStream(t, "")
	makeOurs(t, jetStreamOf(t, connectPlain(t, s)), jetstream.StreamConfig{MaxBytes: 20, Discard: jetstream.DiscardNew})
	examine(t, doctor(s.ClientURL())).mustSay(t, bus.LevelUnsafe, "writes", "no room", "free disk space")
}
