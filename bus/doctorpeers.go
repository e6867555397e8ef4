package bus

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// peerSilent is how long a replica that is there is silent at most: whoever leads a stream hears of each within a second. The
// servers themselves say of one that was killed that it is offline after a minute or more.
const peerSilent = 5 * time.Second

const startAgain = "start that server again"

// lackingSeen are the streams that have not all of their servers.
type lackingSeen struct {
	mute   []string        // nobody answers for them
	stuck  []string        // most of their servers are offline
	lanes  []string        // either of these, and what stood there is made again
	away   []string        // one of their servers is offline
	behind []string        // all are there, and one has not caught up
	absent map[string]bool // the servers that are offline
}

// holders looks at whether the servers that hold the streams are there.
func (e *examination) holders(context.Context) {
	l := e.lacking()
	offline := "a server that is offline: " + members(slices.Sorted(maps.Keys(l.absent)))
	for _, each := range []struct {
		level   Level
		streams []string
		seen    string
		do      string
	}{
		{LevelUnsafe, l.mute, "no server answers for %s", "start the servers that hold them: nothing goes on before that"},
		{LevelUnsafe, l.stuck, "most replicas are offline, of %s", "start the servers that hold them again: nothing goes on before that"},
		{LevelWarning, l.lanes, "no server answers for %s", "go on: runs that stood there are made again, unless that server is started again first"},
		{LevelWarning, l.away, "a replica is on " + strings.ReplaceAll(offline, "%", "%%") + ", of %s", startAgain + ": one more and nothing goes on"},
		{LevelWarning, l.behind, "a replica is behind, of %s", "wait until it has caught up, or look at that server's log"},
	} {
		if len(each.streams) > 0 {
			e.find(each.level, "leaders", fmt.Sprintf(each.seen, members(each.streams)), each.do)
		}
	}
	if len(l.mute)+len(l.stuck)+len(l.lanes)+len(l.away)+len(l.behind) == 0 {
		e.find(LevelOK, "leaders", "each stream has all its servers", "")
	}
}

// lacking looks at each stream for servers that it lacks.
func (e *examination) lacking() lackingSeen {
	l := lackingSeen{absent: map[string]bool{}}
	for _, name := range e.streams.mute {
		l.without(e.bus.names, name, &l.mute)
	}
	for _, name := range slices.Sorted(maps.Keys(e.streams.there)) {
		c := e.streams.there[name].Cluster
		if c == nil {
			continue
		}
		away, behind := e.absent(c, l.absent)
		switch all := len(c.Replicas) + 1; {
		case c.Leader == "":
			l.without(e.bus.names, name, &l.mute)
		case all-away <= all/2:
			l.without(e.bus.names, name, &l.stuck)
		case away > 0:
			l.away = append(l.away, name)
		case behind > 0:
			l.behind = append(l.behind, name)
		}
	}
	return l
}

// without keeps a stream that stands still where such are kept, unless it is a lane: those are made again.
func (l *lackingSeen) without(n names, stream string, where *[]string) {
	if n.laneOwner(stream) != "" {
		where = &l.lanes
	}
	*where = append(*where, stream)
}

// absent is how many of the replicas of a stream are offline, and how many are there and behind. It notes who is offline.
func (e *examination) absent(c *jetstream.ClusterInfo, who map[string]bool) (away, behind int) {
	for _, p := range c.Replicas {
		switch {
		case p.Offline, p.Active > peerSilent, !p.Current && !e.answered(p.Name):
			away++
			who[p.Name] = true
		case !p.Current:
			behind++
		}
	}
	return away, behind
}

// answered reports whether a server has said who it is, or none has.
func (e *examination) answered(name string) bool {
	return !slices.ContainsFunc(e.servers, func(s serverSeen) bool { return !s.Time.IsZero() }) ||
		slices.ContainsFunc(e.servers, func(s serverSeen) bool { return s.Name == name })
}
