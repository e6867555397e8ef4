package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/backup"
	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/mapreduce"
)

// contender competes for leadership on a real server, and records all the time while it leads.
type contender struct {
	*bus.Lease
	*bus.Sight
	bus     *bus.Bus
	name    string
	silence time.Duration

	led    chan<- reign
	looks  chan error // nil, or how each look went
	cancel context.CancelFunc
	ended  chan struct{}

	mu     sync.Mutex
	frozen chan struct{} // nil, or what renewals and the release wait for
}

// reign is one leadership, as its leader tells of it.
type reign struct {
	name  string
	epoch mapreduce.Epoch
}

func (c *contender) start(t *testing.T) *contender {
	ctx, cancel := context.WithCancel(context.Background())
	c.Lease, c.Sight = c.bus.Lease(c.name), c.bus.Sight(c.name)
	c.cancel, c.ended = cancel, make(chan struct{})
	go func() {
		defer close(c.ended)
		config := backup.Config{Every: 50 * time.Millisecond, Silence: c.silence, CallWait: time.Second, Log: bustest.Quiet()}
		if err := backup.Run(ctx, config, c, c, c.lead); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}()
	t.Cleanup(func() {
		c.thaw()
		cancel()
		<-c.ended
	})
	return c
}

// lead records until its context ends or the server refuses. When its renewals are frozen nothing tells it that another
// leads but the fence.
func (c *contender) lead(ctx context.Context, epoch mapreduce.Epoch) error {
	journal := c.bus.Journal(epoch)
	for n := 0; ; n++ {
		record := mapreduce.Record{Version: 1, UID: mapreduce.UID(fmt.Sprintf("e%d-%d", epoch, n)), State: mapreduce.Queued}
		if err := journal.Write(ctx, record); err != nil {
			return err
		}
		if n == 0 {
			c.led <- reign{c.name, epoch}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// freeze holds up what this process says about its lease, as a pause would; it goes on recording.
func (c *contender) freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = make(chan struct{})
}

func (c *contender) thaw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen != nil {
		close(c.frozen)
		c.frozen = nil
	}
}

func (c *contender) wait(ctx context.Context) error {
	c.mu.Lock()
	frozen := c.frozen
	c.mu.Unlock()
	if frozen == nil {
		return nil
	}
	select {
	case <-frozen:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *contender) Look(ctx context.Context) (mapreduce.Leadership, error) {
	seen, err := c.Sight.Look(ctx)
	if c.looks != nil {
		c.looks <- err
	}
	return seen, err
}

func (c *contender) Renew(ctx context.Context, epoch mapreduce.Epoch) error {
	if err := c.wait(ctx); err != nil {
		return err
	}
	return c.Lease.Renew(ctx, epoch)
}

func (c *contender) Release(ctx context.Context, epoch mapreduce.Epoch) error {
	if err := c.wait(ctx); err != nil {
		return err
	}
	return c.Lease.Release(ctx, epoch)
}

func TestOneOfThreeLeadsWhateverHappensToIt(t *testing.T) {
	t.Parallel()
	ctx, s := deadline(t), bustest.Start(t, patience)
	led := make(chan reign, 100)
	all := map[string]*contender{}
	for _, name := range []string{"a", "b", "c"} {
		all[name] = (&contender{name: name, bus: s.Bus(), silence: 300 * time.Millisecond, led: led}).start(t)
	}
	leader := next(ctx, t, led)
	all[leader.name].freeze() // paused: it believes that it leads until its records are refused
	paused, leader := leader, next(ctx, t, led)
	if leader.name == paused.name {
		t.Fatalf("%s leads again", leader.name)
	}
	all[paused.name].thaw()
	all[leader.name].freeze() // killed: it stops, and does not say so
	all[leader.name].cancel()
	killed, leader := leader, next(ctx, t, led)
	if leader.name == killed.name {
		t.Fatalf("%s leads again", leader.name)
	}
	all[leader.name].cancel() // stopped
	last := next(ctx, t, led)
	if last.name == leader.name || last.name == killed.name {
		t.Fatalf("%s leads again", last.name)
	}
	all[last.name].cancel()
	<-all[last.name].ended
	if len(led) > 0 {
		t.Errorf("too many have led: %+v", <-led)
	}
	checkReigns(ctx, t, s.Conn(), []mapreduce.Epoch{paused.epoch, killed.epoch, leader.epoch, last.epoch})
}

func next(ctx context.Context, t *testing.T, led <-chan reign) reign {
	t.Helper()
	select {
	case r := <-led:
		return r
	case <-ctx.Done():
		t.Fatal("nobody leads")
		panic("unreachable")
	}
}

// checkReigns reads what was recorded, in the order in which the server took it in: each record stands between its own
// epoch's takeover and the next one's.
func checkReigns(ctx context.Context, t *testing.T, nc *nats.Conn, epochs []mapreduce.Epoch) {
	t.Helper()
	if !slices.IsSorted(epochs) {
		t.Errorf("epochs %d: not in order", epochs)
	}
	records := map[mapreduce.Epoch]int{}
	each(ctx, t, nc, func(seq uint64, record mapreduce.Record) {
		var epoch mapreduce.Epoch
		var n int
		if _, err := fmt.Sscanf(string(record.UID), "e%d-%d", &epoch, &n); err != nil {
			t.Fatal(err)
		}
		records[epoch]++
		i := slices.Index(epochs, epoch)
		if i < 0 || seq <= uint64(epoch) || i+1 < len(epochs) && seq > uint64(epochs[i+1]) {
			t.Errorf("record %d of epoch %d was taken at %d: epochs %d", n, epoch, seq, epochs)
		}
	})
	for _, epoch := range epochs {
		if records[epoch] == 0 {
			t.Errorf("epoch %d has recorded nothing", epoch)
		}
	}
}

// each hands over all records of the state bucket.
func each(ctx context.Context, t *testing.T, nc *nats.Conn, do func(seq uint64, record mapreduce.Record)) {
	t.Helper()
	stream := stateStream(ctx, t, nc)
	last := stream.CachedInfo().State.LastSeq
	for seq := uint64(1); seq <= last; seq++ {
		msg, err := stream.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // overwritten
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(msg.Subject, ".job.") {
			continue
		}
		var record mapreduce.Record
		if err := json.Unmarshal(msg.Data, &record); err != nil {
			t.Fatal(err)
		}
		do(seq, record)
	}
}

// The leader last renews well before the server goes, and is the last to find it again: only the looks that were answered
// may count.
func TestServerThatIsAwayIsNotASilentLeader(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	options := server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()}
	s := startServer(t, options)
	options.Port = s.Addr().(*net.TCPAddr).Port // so that the connections find it again
	if err := busOf(t, s).SetUp(ctx, bus.SetUp{}); err != nil {
		t.Fatal(err)
	}
	led, looks := make(chan reign, 100), make(chan error, 1000)
	leader := (&contender{name: "a", bus: busOf(t, s), silence: time.Second, led: led}).start(t)
	next(ctx, t, led)
	(&contender{name: "b", bus: busOf(t, s), silence: time.Second, led: led, looks: looks}).start(t)
	awaitLooks(ctx, t, looks, 1, true)
	leader.freeze()
	awaitLooks(ctx, t, looks, 3, true)
	stopServer(s)
	awaitLooks(ctx, t, looks, 10, false) // as long as the silence that the standby waits for
	startServer(t, options)
	awaitLooks(ctx, t, looks, 2, true)
	leader.thaw()
	awaitLooks(ctx, t, looks, 30, true)
	if len(led) > 0 {
		t.Fatalf("%s took over: the server was away, not the leader", (<-led).name)
	}
	leader.cancel()
	if after := next(ctx, t, led); after.name != "b" {
		t.Errorf("%s leads, want the standby", after.name)
	}
}

// awaitLooks waits until a standby has looked n times with success, or without.
func awaitLooks(ctx context.Context, t *testing.T, looks <-chan error, n int, success bool) {
	t.Helper()
	for n > 0 {
		select {
		case err := <-looks:
			if (err == nil) == success {
				n--
			}
		case <-ctx.Done():
			t.Fatalf("%d looks are missing: it waits, or leads", n)
		}
	}
}
