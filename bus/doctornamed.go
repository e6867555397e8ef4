package bus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// namedSeen is one of several servers that the user has named.
type namedSeen struct {
	address, name, id, cluster string
	err                        error
}

// named looks at each server that was named: the connection is to one of them, and silent about the others.
func (e *examination) named(ctx context.Context) {
	urls := slices.DeleteFunc(strings.Split(e.Server.URL, ","), func(each string) bool { return strings.TrimSpace(each) == "" })
	if len(urls) < 2 {
		return
	}
	patience, seen := e.patience(ctx), make([]namedSeen, len(urls))
	var all sync.WaitGroup
	for i, each := range urls {
		all.Go(func() { seen[i] = e.visit(strings.TrimSpace(each), patience) })
	}
	all.Wait()
	var alien []string
	for i, s := range seen {
		switch {
		case s.err != nil:
			why, _ := ConnectConfig{URL: urls[i]}.unreached(s.err, patience)
			e.find(LevelWarning, "server", why, "start that server again, or leave it out of --server")
		case !e.uses(syncSeen{ID: s.id, Cluster: s.cluster}):
			alien = append(alien, s.String())
		}
	}
	e.apart(alien)
}

// apart says that some of the named servers have nothing to do with the one that we are connected to.
func (e *examination) apart(alien []string) {
	if len(alien) == 0 {
		return
	}
	here := namedSeen{address: e.nc.ConnectedAddr(), name: e.nc.ConnectedServerName(), cluster: e.nc.ConnectedClusterName()}
	e.find(LevelUnsafe, "server", fmt.Sprintf("%s, and %s: they are not one cluster: a job is known to one of them only", here, members(alien)),
		"name servers of one cluster with --server, on each machine the same")
}

// visit connects to one server for a moment, to learn who it is.
func (e *examination) visit(address string, patience time.Duration) namedSeen {
	c := e.Server
	c.URL = address
	s := namedSeen{address: c.Address()}
	nc, err := nats.Connect(c.URL, append(c.options(), nats.Timeout(patience), nats.NoReconnect())...)
	if err != nil {
		s.err = err
		return s
	}
	defer nc.Close()
	s.name, s.id, s.cluster = nc.ConnectedServerName(), nc.ConnectedServerId(), nc.ConnectedClusterName()
	return s
}

// String is the server as users know it.
func (s namedSeen) String() string {
	if s.cluster == "" {
		return fmt.Sprintf("%s (server %s)", s.address, s.name)
	}
	return fmt.Sprintf("%s (server %s of cluster %s)", s.address, s.name, s.cluster)
}
