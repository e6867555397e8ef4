package chaos

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"jetreduce/internal/processtest"
	"jetreduce/internal/proxy"
)

// cluster is the processes of a run: three coordinators, of which one stands by from the beginning, four workers, and the
// bus. What is done to it is done from one goroutine.
type cluster struct {
	topology Topology
	proxied  bool
	home     *processtest.Home
	journal  *journal
	servers  []string // host:port of the bus
	monitors []string // host:port where each of three servers says how it is
	members  []*member
	programs nats // where nats-server is, for three of them

	mu      sync.Mutex
	said    map[string]said // by message, who said it last
	changed chan struct{}   // closed when more is said
}

// said is that somebody said something.
type said struct {
	by *member
	at time.Time // when it was heard
}

// What daemons say.
const (
	decides  = "decides"
	standsBy = "stands by"
	hosts    = "hosting the bus"
	works    = "works"
)

// newCluster makes the members, none of which runs yet. Their logs are in dir/logs.
func newCluster(dir string, plan Plan, size shape, tools nats, j *journal) (*cluster, error) {
	home, err := processtest.NewHome(dir)
	if err != nil {
		return nil, err
	}
	c := &cluster{
		topology: plan.Topology, proxied: plan.Proxied, home: home, journal: j, programs: tools,
		said: map[string]said{}, changed: make(chan struct{}),
	}
	if err := c.addBus(); err != nil {
		return c, err
	}
	for i := range size.coordinators {
		if err := c.addCoordinator(i); err != nil {
			return c, err
		}
	}
	for i := range size.workers {
		if err := c.addWorker(i); err != nil {
			return c, err
		}
	}
	return c, nil
}

// addBus finds addresses for the bus, and makes the processes that serve it.
func (c *cluster) addBus() error {
	if c.topology == Three {
		return c.addServers()
	}
	addr, err := processtest.FreeAddr()
	if err != nil {
		return err
	}
	c.servers = []string{addr}
	if c.topology == Hosted {
		return nil
	}
	return c.add(&member{name: "bus", role: busServer, command: func() (*exec.Cmd, error) {
		return c.home.Command(nil, "bus", "--addr", addr, "--log", "json")
	}})
}

func (c *cluster) addCoordinator(n int) error {
	command := "coordinator"
	if n == 2 {
		command = "backup"
	}
	args := []string{command, "--log", "json"}
	m := &member{name: fmt.Sprintf("%s-%d", command, n+1), role: coordinator}
	if c.topology == Hosted {
		args = append(args, "--addr", c.servers[0])
		m.command = func() (*exec.Cmd, error) { return c.home.Command(nil, args...) }
		return c.add(m)
	}
	return c.addClient(m, args)
}

func (c *cluster) addWorker(n int) error {
	m := &member{name: fmt.Sprintf("worker-%d", n+1), role: worker}
	return c.addClient(m, []string{"worker", "--log", "json", "--slots", "1", "--scratch", c.home.Scratch()})
}

// addClient adds a member that is told where the bus is: there, or at the near end of cables of its own.
func (c *cluster) addClient(m *member, args []string) error {
	addrs := slices.Clone(c.servers)
	for i := range addrs {
		if !c.proxied {
			break
		}
		p, err := proxy.New(addrs[i])
		if err != nil {
			return err
		}
		m.proxies = append(m.proxies, p)
		addrs[i] = p.Addr()
	}
	env := []string{"NATS_URL=" + urls(addrs)}
	m.command = func() (*exec.Cmd, error) { return c.home.Command(env, args...) }
	return c.add(m)
}

func urls(addrs []string) string { return "nats://" + strings.Join(addrs, ",nats://") }

func (c *cluster) url() string { return urls(c.servers) }

func (c *cluster) add(m *member) error {
	m.journal, m.said = c.journal, c.hear
	c.members = append(c.members, m)
	return m.open(filepath.Join(c.home.Dir, "logs"))
}

// hear learns from what is said who leads and who hosts.
func (c *cluster) hear(m *member, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said[message] = said{m, time.Now()}
	close(c.changed)
	c.changed = make(chan struct{})
}

// start starts all, the bus first.
func (c *cluster) start() error {
	for _, m := range c.members {
		if err := m.start(); err != nil {
			return err
		}
	}
	return nil
}

// last is who said something last, or nil.
func (c *cluster) last(message string) *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said[message].by
}

// await waits until somebody says something after a time.
func (c *cluster) await(ctx context.Context, message string, after time.Time) (said, error) {
	for {
		c.mu.Lock()
		heard, changed := c.said[message], c.changed
		c.mu.Unlock()
		if heard.at.After(after) {
			return heard, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return heard, fmt.Errorf("nobody says %q: %w", message, context.Cause(ctx))
		}
	}
}

// of are the members of a role.
func (c *cluster) of(r role) []*member {
	return slices.DeleteFunc(slices.Clone(c.members), func(m *member) bool { return m.role != r })
}

// stop tells all to stop, the bus last, and waits until they have.
func (c *cluster) stop() {
	for _, r := range []role{worker, coordinator, busServer} {
		told := slices.DeleteFunc(c.of(r), func(m *member) bool { return !m.lives() })
		for _, m := range told {
			m.tell()
		}
		for _, m := range told {
			select {
			case <-m.life.Over():
			case <-time.After(stopLimit):
			}
			m.stopped()
		}
	}
}

// close kills what still runs, and lets go of everything.
func (c *cluster) close() {
	for _, m := range c.members {
		m.close()
	}
	c.home.Close()
}
