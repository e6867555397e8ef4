package permissiontest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"jetreduce/bus"
)

// Subjects, in groups of what may be done by them. What begins with listen is listened to, all else published on.
const listen = "listen to "

// forbidden is what no process of a role may do, whoever has taken it over.
func forbidden() map[string]map[string][]string {
	streams := []string{"JETREDUCE_JOBS", "JETREDUCE_TASKS", "JETREDUCE_PLANS", "JETREDUCE_RUNS_u1_1_0", "JETREDUCE_INPUT_x",
		"KV_jetreduce-state",
		"KV_jetreduce-commits", "OBJ_jetreduce-out", "KV_table", "ORDERS"}
	everybody := map[string][]string{
		"publish what is another's": {"orders.new", "$KV.theirs.k", "$O.others.M.x", "$O.others.C.x.y", "jetreduce-b.jobs",
			"$SYS.REQ.SERVER.PING"},
		"listen to all": {listen + ">", listen + "jetreduce.>", listen + "$JS.>", listen + "$KV.>", listen + "_INBOX.>",
			listen + "orders.>"},
		"manage the server": each(streams, "$JS.API.STREAM.LEADER.STEPDOWN.", "$JS.API.STREAM.SNAPSHOT.", "$JS.API.STREAM.RESTORE.",
			"$JS.API.STREAM.PEER.REMOVE."),
	}
	lesser := map[string][]string{
		"make, change, empty and remove streams": each(streams, "$JS.API.STREAM.CREATE.", "$JS.API.STREAM.UPDATE.", "$JS.API.STREAM.PURGE.",
			"$JS.API.STREAM.DELETE.", "$JS.API.STREAM.MSG.DELETE."),
		"make and remove consumers": slices.Concat(suffixed(each(streams, "$JS.API.CONSUMER.CREATE."), "", ".c", ".c.orders.new"),
			suffixed(each(streams, "$JS.API.CONSUMER.DELETE.", "$JS.API.CONSUMER.PAUSE.", "$JS.API.CONSUMER.DURABLE.CREATE."), ".c")),
		"write the state": {"$KV.jetreduce-state.epoch", "$KV.jetreduce-state.lease", "$KV.jetreduce-state.barrier",
			"$KV.jetreduce-state.confirm", "$KV.jetreduce-state.probe.p", "$KV.jetreduce-state.job.u1.done", "$KV.jetreduce-state.alive",
			"$KV.jetreduce-commits.barrier"},
		"speak for the leader": {"jetreduce.roll", "jetreduce.over", "jetreduce.events.j.state", "jetreduce.events.j.rejected",
			"jetreduce.history.u1", listen + "$SRV.PING", listen + "$SRV.PING.jetreduce"},
		"answer in the leader's place, or a client's": {"_INBOX_jetreduce_client.a.b", "_INBOX_jetreduce_observer.a.b",
			"_INBOX_jetreduce_worker.a.b", "_INBOX_jetreduce_coordinator.a.b", "_INBOX.a.b"},
		"hear what others ask": {listen + "jetreduce.api.>", listen + "jetreduce.api.submit", listen + "jetreduce.api.*",
			listen + "jetreduce.jobs", listen + "jetreduce.jobs.exec", listen + "jetreduce.beat.*", listen + "jetreduce.input.>"},
		"queue tasks":   {"jetreduce.tasks.default.io", "jetreduce.tasks.default.builtin-1", "jetreduce.tasks.p.exec"},
		"write rosters": {"jetreduce.plans.u1.map.0.1.roster.0", "jetreduce.plans.u1.reduce.0.1.roster.0"},
		"list the bus": {"$JS.API.STREAM.LIST", "$JS.API.STREAM.NAMES", "$JS.API.CONSUMER.LIST.JETREDUCE_TASKS",
			"$JS.API.CONSUMER.NAMES.ORDERS"},
		"pull what is another's": {"$JS.API.CONSUMER.MSG.NEXT.ORDERS.c", "$JS.ACK.ORDERS.c.1.1.1.1.0", "$JS.ACK.JETREDUCE_JOBS.c.1.1.1.1.0"},
	}
	work := map[string][]string{
		"commit": {"$KV.jetreduce-commits.u1.plan.0.1", "$KV.jetreduce-commits.u1.map.0.1", "$KV.jetreduce-commits.u1.reduce.0.1",
			"$KV.jetreduce-commits.u1.finish.0.1", "$KV.jetreduce-commits.u1.map.0.1.a.w-1", "$KV.jetreduce-commits.u1.end"},
		"beat as a worker": {"jetreduce.beat.w1", listen + "jetreduce.roll", listen + "jetreduce.over", "jetreduce.health.worker.h"},
		"take tasks": {"$JS.API.CONSUMER.MSG.NEXT.JETREDUCE_TASKS.default-io", "$JS.API.CONSUMER.MSG.NEXT.JETREDUCE_TASKS.default-exec",
			"$JS.API.CONSUMER.INFO.JETREDUCE_TASKS.default-io"},
		"settle tasks": {"$JS.ACK.JETREDUCE_TASKS.default-io.1.1.1.1.0"},
		"publish results": {"jetreduce.plans.u1.plan.0.1.w-1.0", "jetreduce.runs.u1.1.0", "jetreduce.parts.u1.1", "$O.jetreduce-out.C.u1.x",
			"$O.jetreduce-out.M.bmFtZQ==", "$O.theirs.C.u1.x", "$O.theirs.M.bmFtZQ==", "$KV.table.k", "rows.k"},
		"read what is not a result": {"$JS.API.DIRECT.GET.ORDERS", "$JS.API.STREAM.MSG.GET.ORDERS", "$JS.API.DIRECT.GET.KV_jetreduce-state.$KV.x",
			"$JS.API.STREAM.MSG.GET.KV_jetreduce-state", "$JS.API.DIRECT.GET.JETREDUCE_RUNS_u1_1_0", "$JS.API.STREAM.MSG.GET.JETREDUCE_JOBS",
			"$JS.API.STREAM.MSG.GET.JETREDUCE_INPUT_x", "$JS.API.DIRECT.GET.KV_table.$KV.table.k"},
	}
	steer := map[string][]string{"steer": {"jetreduce.api.cancel", "jetreduce.api.retry", "jetreduce.api.remove"}}
	submit := map[string][]string{
		"submit": {"jetreduce.api.submit", "jetreduce.jobs"},
		"upload": {"jetreduce.api.upload", "jetreduce.api.discard", "jetreduce.input.x.0.0", "jetreduce.input.x.manifest.0"},
	}
	commands := map[string][]string{"submit commands where that is permitted": {"jetreduce.api.exec", "jetreduce.jobs.exec"}}
	look := map[string][]string{"look": {"jetreduce.api.status", "jetreduce.api.list", "jetreduce.api.workers", "jetreduce.api.vitals",
		"jetreduce.api.timeline", "jetreduce.api.quarantine", listen + "jetreduce.events.j.state"}}
	fetch := map[string][]string{"fetch results": {"$JS.API.STREAM.MSG.GET.OBJ_jetreduce-out", "$JS.API.DIRECT.GET.OBJ_jetreduce-out"}}
	inboxes := func(own string) map[string][]string {
		var others []string
		for _, role := range bus.Roles() {
			if string(role) != own {
				others = append(others, listen+bus.Inbox("", role)+".>", listen+bus.Inbox("", role)+".a.b")
			}
		}
		return map[string][]string{"read what others are answered": others}
	}
	leads := map[string][]string{
		"pull what is another's": {"$JS.API.CONSUMER.MSG.NEXT.ORDERS.c", "$JS.API.CONSUMER.CREATE.ORDERS.c", "$JS.API.CONSUMER.DELETE.ORDERS.c",
			"$JS.ACK.ORDERS.c.1.1.1.1.0", "$JS.API.CONSUMER.CREATE.JETREDUCE_TASKS.c"},
		"publish runs":     {"jetreduce.runs.u1.1.0", "jetreduce.parts.u1.1", "$O.jetreduce-out.C.u1.x", "$KV.table.k", "rows.k"},
		"beat as a worker": {"jetreduce.beat.w1"}, "take tasks": {"$JS.API.CONSUMER.MSG.NEXT.JETREDUCE_TASKS.default-io"},
		"answer who has not asked": {"_INBOX_jetreduce_client.a.b", "_INBOX.a.b"},
	}
	return map[string]map[string][]string{
		"observer":    merged(everybody, lesser, work, submit, steer, commands, fetch, inboxes("observer")),
		fetcher:       merged(everybody, lesser, work, submit, steer, commands, inboxes("observer")),
		"client":      merged(everybody, lesser, work, commands, inboxes("client")),
		executor:      merged(everybody, lesser, work, inboxes("client")),
		"worker":      merged(everybody, lesser, submit, steer, commands, look, inboxes("worker")),
		"coordinator": merged(everybody, submit, commands, inboxes("coordinator"), leads),
	}
}

// each is all names behind all prefixes.
func each(names []string, prefixes ...string) (all []string) {
	for _, prefix := range prefixes {
		for _, name := range names {
			all = append(all, prefix+name)
		}
	}
	return all
}

func suffixed(names []string, suffixes ...string) (all []string) {
	for _, suffix := range suffixes {
		for _, name := range names {
			all = append(all, name+suffix)
		}
	}
	return all
}

func merged(groups ...map[string][]string) map[string][]string {
	all := map[string][]string{}
	for _, group := range groups {
		for what, subjects := range group {
			all[what] = append(all[what], subjects...)
		}
	}
	return all
}

// allowed is what each role lives by.
func allowed() map[string][]string {
	look := []string{"$JS.API.INFO", "jetreduce.api.status", "jetreduce.api.list", "jetreduce.api.workers", "jetreduce.api.quarantine",
		"jetreduce.api.timeline", "jetreduce.api.vitals", "$JS.API.DIRECT.GET.JETREDUCE_HISTORY.jetreduce.history.u1",
		listen + "jetreduce.events.j.*"}
	ours := []string{"JETREDUCE_JOBS", "JETREDUCE_PLANS", "JETREDUCE_TASKS", "KV_jetreduce-state", "KV_jetreduce-commits"}
	observer := slices.Concat(look, each(ours, "$JS.API.STREAM.INFO."), []string{listen + "_INBOX_jetreduce_observer.a.*"})
	fetch := []string{"$JS.API.STREAM.MSG.GET.OBJ_jetreduce-out", "$JS.API.DIRECT.GET.OBJ_jetreduce-out"}
	submits := slices.Concat(look, fetch, []string{"$JS.API.STREAM.INFO.JETREDUCE_INPUT_x", "jetreduce.api.submit", "jetreduce.api.cancel",
		"jetreduce.api.retry", "jetreduce.api.remove", "jetreduce.api.upload", "jetreduce.api.discard", "jetreduce.jobs", "jetreduce.plans.alive",
		"jetreduce.input.x.0.7", "jetreduce.input.x.manifest.0", "$JS.API.DIRECT.GET.JETREDUCE_INPUT_x.jetreduce.input.x.0.7",
		listen + "_INBOX_jetreduce_client.a.*"})
	return map[string][]string{
		"observer": observer,
		fetcher:    slices.Concat(observer, fetch, []string{"$JS.API.STREAM.INFO.OBJ_jetreduce-out"}),
		"client":   append(submits, "$JS.API.STREAM.MSG.GET.OBJ_theirs", "$JS.API.DIRECT.GET.OBJ_theirs"),
		executor:   append(submits, "jetreduce.api.exec", "jetreduce.jobs.exec"),
		"worker": {"$JS.API.INFO", "$JS.API.STREAM.INFO.JETREDUCE_RUNS_u1_1_0", "$JS.API.STREAM.MSG.GET.OBJ_theirs",
			"$JS.API.DIRECT.GET.JETREDUCE_PLANS.jetreduce.plans.u1.plan.0.1.w-1.0", "$JS.API.DIRECT.GET.JETREDUCE_RUNS_u1_1_0",
			"$JS.API.CONSUMER.INFO.JETREDUCE_TASKS.default-io", "$JS.API.CONSUMER.MSG.NEXT.JETREDUCE_TASKS.default-io",
			"$JS.ACK.JETREDUCE_TASKS.default-io.1.1.1.1.0", "jetreduce.beat.w1", "jetreduce.plans.alive", listen + "jetreduce.roll",
			listen + "jetreduce.over", "jetreduce.health.worker.h", listen + "jetreduce.health.worker.h", "$KV.jetreduce-commits.u1.plan.0.1",
			"$KV.jetreduce-commits.u1.map.0.1", "$KV.jetreduce-commits.u1.reduce.0.1", "$KV.jetreduce-commits.u1.finish.0.1",
			"$KV.jetreduce-commits.u1.map.0.1.a.w-1", "$KV.jetreduce-commits.u1.end", "jetreduce.plans.u1.plan.0.1.w-1.0", "jetreduce.runs.u1.1.0",
			"jetreduce.parts.u1.1", "$O.jetreduce-out.C.u1.x", "$O.jetreduce-out.M.bmFtZQ==", "$O.theirs.C.u1.x", "$O.theirs.M.bmFtZQ==",
			"$KV.table.a.b", "rows.k", "$JS.API.CONSUMER.CREATE.PULLED.c", "$JS.API.CONSUMER.MSG.NEXT.PULLED.c",
			listen + "_INBOX_jetreduce_worker.a.*"},
		"coordinator": slices.Concat(suffixed(each([]string{"INFO", "CREATE", "UPDATE", "DELETE", "PURGE", "MSG.GET"}, "$JS.API.STREAM."),
			".KV_table"),
			each([]string{"INFO", "STREAM.NAMES", "STREAM.LIST", "DIRECT.GET.KV_jetreduce-state.$KV.jetreduce-state.epoch",
				"STREAM.MSG.DELETE.JETREDUCE_JOBS", "STREAM.MSG.DELETE.JETREDUCE_TASKS", "CONSUMER.LIST.JETREDUCE_TASKS",
				"CONSUMER.CREATE.JETREDUCE_TASKS.default-io.jetreduce.tasks.default.io", "CONSUMER.INFO.JETREDUCE_TASKS.default-io",
				"CONSUMER.DELETE.JETREDUCE_TASKS.default-exec"}, "$JS.API."),
			suffixed(each([]string{"JETREDUCE_JOBS", "KV_jetreduce-state", "KV_jetreduce-commits"}, "$JS.API.CONSUMER.CREATE.",
				"$JS.API.CONSUMER.MSG.NEXT."), ".c"),
			[]string{"$KV.jetreduce-state.job.u1.done", "$KV.jetreduce-commits.u1.end", "jetreduce.tasks.default.io",
				"jetreduce.plans.u1.map.0.1.roster.0", "jetreduce.plans.alive", "$JS.ACK.JETREDUCE_TASKS.default-io.1.1.1.1.0",
				"jetreduce.events.j.state", "jetreduce.roll", "jetreduce.over", "jetreduce.history.u1", "$O.jetreduce-out.M.bmFtZQ==",
				"$O.theirs.M.bmFtZQ==", "jetreduce.api.list", "jetreduce.api.workers", "jetreduce.api.timeline",
				"jetreduce.api.vitals", "jetreduce.api.cancel", "jetreduce.api.retry", "jetreduce.api.remove",
				"jetreduce.health.coordinator.h", listen + "jetreduce.health.coordinator.h", listen + "jetreduce.beat.*",
				listen + "jetreduce.api.>", listen + "$SRV.PING", listen + "$SRV.PING.jetreduce", listen + "$SRV.PING.jetreduce.id",
				listen + "_INBOX_jetreduce_coordinator.a.*"}),
	}
}

// violates does something as a user, and returns what the server says of it: nil, if it is permitted.
func violates(t *testing.T, nc *nats.Conn, what string) error {
	t.Helper()
	before := nc.LastError()
	subject, listening := strings.CutPrefix(what, listen)
	if listening {
		sub, err := nc.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = sub.Unsubscribe() }()
	} else if err := nc.Publish(subject, nil); err != nil {
		t.Fatal(err)
	}
	// What the server denies, it says before it answers this.
	if err := nc.FlushTimeout(time.Minute); err != nil {
		t.Fatal(err)
	}
	after := nc.LastError()
	if after == before {
		return nil
	}
	if !errors.Is(after, nats.ErrPermissionViolation) || !strings.Contains(after.Error(), fmt.Sprintf("%q", subject)) {
		t.Errorf("%s: got %v, want a permissions violation of that subject", what, after)
	}
	return after
}

func TestServerDeniesEachRoleWhatItMustNotDo(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for user, groups := range forbidden() {
		nc, tried := s.as(user), 0
		for what, subjects := range groups {
			for _, subject := range subjects {
				if tried++; violates(t, nc, subject) == nil {
					t.Errorf("%s may %s: %s", user, what, subject)
				}
			}
		}
		t.Logf("%s: %d forbidden things tried, in %d groups", user, tried, len(groups))
	}
}

func TestServerPermitsEachRoleWhatItLivesBy(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for user, subjects := range allowed() {
		nc := s.as(user)
		for _, subject := range subjects {
			if err := violates(t, nc, subject); err != nil {
				t.Errorf("%s may not %s: %v", user, subject, err)
			}
		}
	}
}

// Without any one line something that a role lives by would be denied: there is none too many.
func TestEachLineIsNeeded(t *testing.T) {
	t.Parallel()
	for user, c := range users() {
		p, err := bus.PermissionsOf(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range p.Publish {
			if !needed(line, p.Publish, allowed()[user], "") {
				t.Errorf("%s could do without publishing on %s", user, line)
			}
		}
		for _, line := range p.Subscribe {
			if !needed(line, p.Subscribe, allowed()[user], listen) {
				t.Errorf("%s could do without listening to %s", user, line)
			}
		}
	}
}

// needed reports whether something that is done is permitted by this line alone.
func needed(line string, lines, done []string, verb string) bool {
	return slices.ContainsFunc(done, func(what string) bool {
		subject, listening := strings.CutPrefix(what, listen)
		if listening != (verb == listen) || !matches(line, subject) {
			return false
		}
		return !slices.ContainsFunc(lines, func(other string) bool { return other != line && matches(other, subject) })
	})
}

// matches reports whether a filter takes a subject, which may have wildcards.
func matches(filter, subject string) bool {
	f, s := strings.Split(filter, "."), strings.Split(subject, ".")
	for i, token := range f {
		switch {
		case token == ">":
			return len(s) > i
		case i >= len(s) || s[i] == ">" || token != "*" && token != s[i]:
			return false
		}
	}
	return len(f) == len(s)
}
