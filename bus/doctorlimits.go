package bus

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// What an account should have left. Less is said, since jobs wait or fail when it is used up.
const (
	lowStreams   = 64
	lowStore     = 1 << 30 // bytes
	lowConsumers = 16      // on one stream
)

// limits looks at what the account may have, and what its servers may store in all, which only their monitoring endpoints say.
// Accounts of an operator have limits for each number of replicas instead of one.
func (e *examination) limits(context.Context) {
	tiers := e.account.Tiers
	if len(tiers) == 0 {
		tiers = map[string]jetstream.Tier{"": e.account.Tier}
	}
	before := len(e.findings)
	for _, name := range slices.Sorted(maps.Keys(tiers)) {
		e.tier(name, tiers[name])
	}
	for _, s := range e.settings {
		e.space(s)
	}
	used := fmt.Sprintf("%s and %s of the account's are used", count(e.account.Streams, "stream"), bytesOf(int64(min(e.account.Store, 1<<62))))
	switch {
	case len(e.findings) > before:
	case e.durable():
		e.find(LevelOK, "limits", used+"; a bus of jetreduce takes what its disk has left", "")
	case len(e.settings) > 0 && !e.unseen(e.settings) && !slices.ContainsFunc(e.settings, func(s syncSeen) bool { return !s.Bounded }):
		e.find(LevelOK, "limits", fmt.Sprintf("%s, and account and servers allow %s more at least", used, bytesOf(lowStore)), "")
	default:
		e.find(LevelUnknown, "limits", used+", and its own limits are not low; what its servers may store in all, a client cannot see",
			"name their monitoring endpoints with --monitor, or look at max_file_store in their configuration, and at their disks")
	}
}

// space says that a server may store little, whatever the account may.
func (e *examination) space(s syncSeen) {
	do := "allow it more (as jetstream { max_file_store: 10GB }), and start it again: its limit was fixed when it started"
	switch left := s.Room - s.Used; {
	case !s.Bounded || left >= lowStore:
	case s.Room == 0:
		e.find(LevelUnsafe, "limits", fmt.Sprintf("server %s may store nothing on disk", s.Name), do)
	case left <= 0:
		e.find(LevelUnsafe, "limits", fmt.Sprintf("server %s has stored all that it may, %s", s.Name, bytesOf(s.Room)), do)
	default:
		e.find(LevelWarning, "limits", fmt.Sprintf("%s of %s that server %s may store are used", bytesOf(s.Used), bytesOf(s.Room), s.Name), do)
	}
}

// tier says which limits are low. A limit below zero is none, and so is one of 0 for things that are counted. Memory is not
// looked at: no stream of jetreduce is there.
func (e *examination) tier(name string, t jetstream.Tier) {
	if name != "" {
		name = " with replicas as in " + name
	}
	if most := t.Limits.MaxStreams; most > 0 && most-t.Streams < lowStreams {
		e.find(LevelWarning, "limits", fmt.Sprintf("%d of %s%s are used", t.Streams, count(most, "stream"), name),
			fmt.Sprintf("allow the account more: jetreduce keeps %d, and a running job one for each partition and one more",
				len(e.bus.lastingStreams())))
	}
	if most := t.Limits.MaxConsumers; most > 0 && most < lowConsumers {
		e.find(LevelWarning, "limits", fmt.Sprintf("a stream%s may have %s", name, count(most, "consumer")),
			"allow the account more: each coordinator follows with one, and the queue has one for each class of workers")
	}
	switch most, used := t.Limits.MaxStore, int64(min(t.Store, 1<<62)); {
	case most < 0:
	case most == 0:
		e.find(LevelUnsafe, "limits", "the account may store nothing on disk"+name, "allow it disk storage (max_file): all that jetreduce stores is there")
	case most-used < lowStore:
		e.find(LevelWarning, "limits", fmt.Sprintf("%s of %s on disk%s are used", bytesOf(used), bytesOf(most), name),
			"allow the account more (max_file): carried inputs and all that passes between map and reduce stand there")
	}
}

// bytesOf writes a number of bytes as people do.
func bytesOf(n int64) string {
	const unit = 1 << 10
	value, prefix := float64(n), -1
	for value >= unit && prefix < 4 {
		value, prefix = value/unit, prefix+1
	}
	if prefix < 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTP"[prefix])
}
