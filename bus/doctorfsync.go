package bus

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// fsync looks at when the servers bring to disk what they acknowledge. A plain account cannot know it: a server of ours says it
// by its name, others on their monitoring endpoint or to their system account.
func (e *examination) fsync(ctx context.Context) {
	if e.durable() {
		e.find(LevelOK, "fsync", "a bus of jetreduce: what it acknowledges is on disk", "")
		return
	}
	var known []syncSeen
	for _, address := range e.Monitors {
		if s, asked := e.monitored(ctx, address); asked && !has(known, s.ID) {
			known = append(known, s)
		}
	}
	if len(e.Monitors) == 0 {
		known = e.systemSays(ctx)
		if len(known) == 0 {
			e.unknownSync(known)
		}
	}
	e.settings = known
	e.judge(known)
}

// durable reports whether all servers that hold streams are ours, and so bring to disk what they acknowledge.
func (e *examination) durable() bool {
	if e.nc.ConnectedClusterName() == "" || !Durable(e.nc.ConnectedServerName()) {
		return Durable(e.nc.ConnectedServerName())
	}
	for name := range e.holderNames() {
		if !Durable(name) {
			return false
		}
	}
	return e.holdersKnown() > 1 // one alone is no proof for the others
}

// judge says what is known of some servers, and of which it is not.
func (e *examination) judge(known []syncSeen) {
	always := 0
	for _, s := range known {
		if e.syncs(s) {
			always++
		}
	}
	switch {
	case len(known) == 0: // why, has been said
	case e.unseen(known):
		e.unknownSync(known)
	case always == len(known):
		e.find(LevelOK, "fsync", "what is acknowledged is on disk, on "+count(always, "server"), "")
	}
}

func has(known []syncSeen, id string) bool {
	return slices.ContainsFunc(known, func(s syncSeen) bool { return s.ID == id })
}

// monitored asks a monitoring endpoint, and reports whether it is one of a server that we use.
func (e *examination) monitored(ctx context.Context, address string) (syncSeen, bool) {
	s, err := monitor(ctx, address)
	if err != nil {
		e.find(LevelUnknown, "fsync", fmt.Sprintf("ask the monitoring endpoint at %s: %v", withoutUser(address), err),
			"name the address of http: or http_port: in the server's configuration (-m PORT starts one) with --monitor")
		return s, false
	}
	if !e.uses(s) {
		e.find(LevelUnknown, "fsync", fmt.Sprintf("the monitoring endpoint at %s is of server %s, which is not the one at %s",
			withoutUser(address), s.Name, e.nc.ConnectedAddr()), "name the one of that server with --monitor")
		return s, false
	}
	if !s.On {
		e.find(LevelUnknown, "fsync", fmt.Sprintf("the monitoring endpoint at %s says nothing of JetStream on server %s", withoutUser(address), s.Name),
			"look whether the server's configuration says jetstream { sync_interval: always }")
		return s, false
	}
	return s, true
}

// uses reports whether a server is the one that we are connected to, or one of its cluster.
func (e *examination) uses(s syncSeen) bool {
	cluster := e.nc.ConnectedClusterName()
	return s.ID == e.nc.ConnectedServerId() || cluster != "" && s.Cluster == cluster ||
		slices.ContainsFunc(e.servers, func(seen serverSeen) bool { return seen.ID == s.ID })
}

// systemSays asks all servers, in case that this user may.
func (e *examination) systemSays(ctx context.Context) (known []syncSeen) {
	_ = e.poll(ctx, systemPing, nil, func(data []byte, _ time.Duration) {
		if s, err := readJSZ(data); err == nil && s.On && e.uses(s) && !has(known, s.ID) {
			known = append(known, s)
		}
	})
	return known
}

// syncs reports whether a server is safe in this respect, and says if not.
func (e *examination) syncs(s syncSeen) bool {
	if s.Always {
		return true
	}
	since := "a while"
	if s.Interval > 0 {
		since = "the last " + spoken(s.Interval)
	}
	e.find(LevelUnsafe, "fsync", fmt.Sprintf("server %s acknowledges first: what was acknowledged in %s may be lost when the machine (not the process) dies",
		s.Name, since), "set jetstream { sync_interval: always } in its configuration, and start it again")
	return false
}

func spoken(d time.Duration) string {
	switch {
	case d%time.Minute == 0:
		return count(int(d/time.Minute), "minute")
	case d%time.Second == 0:
		return count(int(d/time.Second), "second")
	}
	return d.String()
}

// unseen reports whether there are servers with streams of which nothing is known.
func (e *examination) unseen(known []syncSeen) bool {
	return len(e.unseenServers(known)) > 0 || slices.ContainsFunc(known, func(s syncSeen) bool { return s.Servers > len(known) })
}

func (e *examination) unseenServers(known []syncSeen) (names []string) {
	for _, s := range e.servers {
		if s.JetStream && !has(known, s.ID) {
			names = append(names, s.Name)
		}
	}
	return names
}

func (e *examination) unknownSync(known []syncSeen) {
	of := "the other servers of the cluster"
	if names := e.unseenServers(known); len(names) > 0 {
		of = "server " + members(names)
	}
	do := "start it with a monitoring port (-m 8222) and name that: --monitor http://HOST:8222, once for each server; " +
		"or look whether its configuration says jetstream { sync_interval: always }"
	e.find(LevelUnknown, "fsync", fmt.Sprintf("whether %s brings to disk what it acknowledges, a client cannot see", of), do)
}

// withoutUser is an address that may hold a password, for users to read.
func withoutUser(address string) string {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return "the address given"
	}
	return u.Host
}
