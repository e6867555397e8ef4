package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// streamsSeen are the streams of jetreduce.
type streamsSeen struct {
	known bool
	there map[string]*jetstream.StreamInfo
	mute  []string // those for which nobody has answered
	ahead time.Duration
	error time.Duration
	timed bool // ahead and error say how the clock of a server stands
}

// listWait is how long a list may take: a cluster gives the leader of each stream four seconds to answer.
const listWait = 6 * time.Second

// streamPage is a page of the list of all streams. The client's own does not tell which streams have nobody to answer for them.
type streamPage struct {
	Total   int                     `json:"total"`
	Limit   int                     `json:"limit"`
	Streams []*jetstream.StreamInfo `json:"streams"`
	Missing []string                `json:"missing"`
	Error   *jetstream.APIError     `json:"error"`
}

// list learns which streams there are.
func (e *examination) list(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, listWait)
	defer cancel()
	e.streams.there = map[string]*jetstream.StreamInfo{}
	for offset := 0; ; {
		page, err := e.page(ctx, offset)
		if err != nil {
			e.unanswered("streams", "list the streams", err)
			return
		}
		if offset += page.Limit; offset >= page.Total || page.Limit <= 0 {
			break
		}
	}
	slices.Sort(e.streams.mute)
	e.streams.known = true
}

func (e *examination) page(ctx context.Context, offset int) (page streamPage, err error) {
	sent := time.Now()
	msg, err := e.nc.RequestWithContext(ctx, "$JS.API.STREAM.LIST", fmt.Appendf(nil, `{"offset":%d}`, offset))
	took := time.Since(sent)
	if err != nil {
		return page, err
	}
	if err := json.Unmarshal(msg.Data, &page); err != nil {
		return page, fmt.Errorf("read the list: %w", err)
	}
	if page.Error != nil {
		return page, page.Error
	}
	e.note(page, took)
	return page, nil
}

// note keeps what a page says of streams of jetreduce.
func (e *examination) note(page streamPage, took time.Duration) {
	for _, name := range page.Missing {
		if e.bus.names.mine(name) {
			e.streams.mute = append(e.streams.mute, name)
		}
	}
	for _, info := range page.Streams {
		if info == nil || !e.bus.names.mine(info.Config.Name) || slices.Contains(page.Missing, info.Config.Name) {
			continue
		}
		e.streams.there[info.Config.Name] = info
		e.streams.ahead, e.streams.error, e.streams.timed = info.TimeStamp.Sub(e.now().Add(-took/2)), took/2, true
	}
}

// onlyInbox reports whether these streams are all there should be, but perhaps for the one that a host of the bus makes.
func (n names) onlyInbox(absent []string) bool {
	return !slices.ContainsFunc(n.ours(), func(name string) bool { return name != n.jobs() && !slices.Contains(absent, name) })
}

// setUp looks at who has set up jetreduce, and reports whether there is more to look at: nothing is touched that another
// version has made.
func (e *examination) setUp() bool {
	absent, alien := e.strange()
	switch {
	case len(alien) > 0:
		e.find(LevelUnsafe, "set up", fmt.Sprintf("made by another version than %d, which this binary understands: %s",
			mapreduce.RecordVersion, members(alien)), "run binaries of one version; nothing was touched")
		return false
	case e.bus.names.onlyInbox(absent):
		e.find(LevelWarning, "set up", "nobody has set up jetreduce on this bus", "start `jetreduce coordinator`")
		return false
	case len(absent) > 0:
		e.find(LevelWarning, "set up", "not there: "+members(absent), "start `jetreduce coordinator`: it makes what is missing")
	default:
		e.find(LevelOK, "set up", fmt.Sprintf("by version %d, %s", mapreduce.RecordVersion,
			count(len(e.streams.there)+len(e.streams.mute), "stream")), "")
	}
	return true
}

// strange are those of our streams that are not there, and those that another version has made.
func (e *examination) strange() (absent, alien []string) {
	for _, name := range e.bus.names.ours() {
		info := e.streams.there[name]
		switch {
		case info == nil && !slices.Contains(e.streams.mute, name):
			absent = append(absent, name)
		case info != nil && !ofThisVersion(info.Config.Metadata[versionKey]):
			alien = append(alien, fmt.Sprintf("%s (%q)", name, info.Config.Metadata[versionKey]))
		}
	}
	return absent, alien
}

// kept are the streams that are there and must not be lost: state, commits, plans, tasks, submitted jobs, results.
func (e *examination) kept() []*jetstream.StreamInfo {
	var kept []*jetstream.StreamInfo
	for _, name := range slices.Sorted(maps.Keys(e.streams.there)) {
		if slices.Contains(e.bus.names.ours(), name) || strings.HasPrefix(name, "OBJ_") {
			kept = append(kept, e.streams.there[name])
		}
	}
	return kept
}

// storage looks for streams that end with their server.
func (e *examination) storage(context.Context) {
	var inMemory []string
	for _, info := range e.kept() {
		if info.Config.Storage == jetstream.MemoryStorage {
			inMemory = append(inMemory, info.Config.Name)
		}
	}
	if len(inMemory) > 0 {
		e.find(LevelUnsafe, "storage", "in memory, and gone when the server ends: "+members(inMemory),
			"when no job runs, remove each with `nats stream rm NAME`, and start `jetreduce coordinator`, which makes it on disk")
		return
	}
	e.find(LevelOK, "storage", "on disk", "")
}

// replicas looks at how many servers have what must not be lost.
func (e *examination) replicas(context.Context) {
	if e.nc.ConnectedClusterName() == "" {
		e.find(LevelWarning, "replicas", "one server: a job survives its processes, not its disk", "use a cluster of three if it must")
		return
	}
	if known := e.holdersKnown(); known < 3 {
		e.find(LevelWarning, "replicas", fmt.Sprintf("the cluster has %s with JetStream: what one of them holds alone is lost with it",
			count(known, "server")), "run three")
	}
	few := 0
	for _, info := range e.kept() {
		if info.Config.Replicas < 3 {
			few++
			e.few(info)
		}
	}
	switch l := e.lacking(); {
	case few > 0:
	case len(l.mute)+len(l.stuck)+len(l.away) > 0:
		e.find(LevelWarning, "replicas", "three or more are asked for of all that must not be lost, and not all of them are there", startAgain)
	default:
		e.find(LevelOK, "replicas", "three or more of all that must not be lost", "")
	}
}

func (e *examination) few(info *jetstream.StreamInfo) {
	name := info.Config.Name
	do := fmt.Sprintf("nats stream edit %s --replicas 3", name)
	if info.Config.Replicas == 2 {
		e.find(LevelWarning, "replicas", name+" is on two servers: it stands still when one of them dies", do)
		return
	}
	e.find(LevelUnsafe, "replicas", name+" is on one server, and is lost with its disk", do)
}

// holdersKnown is how many servers can hold streams.
func (e *examination) holdersKnown() int { return len(e.holderNames()) }

// holderNames are the servers that can hold streams: those that say so, or those that do already.
func (e *examination) holderNames() map[string]bool {
	names := map[string]bool{}
	for _, s := range e.servers {
		if s.JetStream {
			names[s.Name] = true
		}
	}
	for _, info := range e.streams.there {
		if info.Cluster == nil {
			continue
		}
		names[info.Cluster.Leader] = true
		for _, peer := range info.Cluster.Replicas {
			names[peer.Name] = true
		}
	}
	delete(names, "")
	return names
}

// queue looks at who can take tasks from the work queue.
func (e *examination) queue(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	consumers, err := e.consumers(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return // that was said
	}
	if err != nil {
		e.unanswered("queue", "list the consumers of "+e.bus.names.tasks(), err)
		return
	}
	io := e.bus.names.taskConsumer(mapreduce.DefaultPool, mapreduce.IO)
	if !slices.ContainsFunc(consumers, func(c string) bool { return strings.HasPrefix(c, io+" ") }) {
		e.find(LevelWarning, "queue", fmt.Sprintf("%s has no consumer %s: no job is planned", e.bus.names.tasks(), io),
			"start `jetreduce coordinator`, which makes it")
		return
	}
	e.find(LevelOK, "queue", members(consumers), "")
}

// consumers are those of the work queue, and what they have to do.
func (e *examination) consumers(ctx context.Context) (consumers []string, err error) {
	stream, err := e.bus.js.Stream(ctx, e.bus.names.tasks())
	if err != nil {
		return nil, err
	}
	list := stream.ListConsumers(ctx)
	for info := range list.Info() {
		consumers = append(consumers, fmt.Sprintf("%s (%d waiting, %d running)", info.Name, info.NumPending, info.NumAckPending))
	}
	slices.Sort(consumers)
	return consumers, list.Err()
}
