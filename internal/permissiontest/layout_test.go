package permissiontest_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jetreduce/bus"
)

// layout is how the users stand in accounts.
type layout struct {
	users    map[string]bus.PermissionsConfig
	apart    bool     // each in an account of its own, but for the coordinator
	operator bool     // who has signed them all: the server's configuration names no user
	ways     []string // what is denied, where there is another way
}

// together is one account for all.
func together() layout { return layout{users: users()} }

// apart is an account for each. Workers make no consumers.
func apart() layout {
	all := users()
	worker := all["worker"]
	worker.Inputs = nil
	all["worker"] = worker
	return layout{users: all, apart: true, ways: []string{"CONSUMER.CREATE.PULLED."}}
}

// inEachLayout is a test in both.
func inEachLayout(t *testing.T, test func(t *testing.T, l layout)) {
	t.Helper()
	t.Parallel()
	for name, l := range map[string]layout{"in one account": together(), "in accounts of their own": apart()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, l)
		})
	}
}

// bare is a user with no permissions printed, who may do what its account can: whoever has taken over a role's account.
func bare(user string) string { return "bare-" + user }

// account is that of a user who has one of its own.
func account(user string) string { return strings.ToUpper(user) }

// configuration is a configuration file into which was pasted what the command prints.
func (l layout) configuration(t *testing.T) string {
	t.Helper()
	var inside, outside strings.Builder // the account of jetreduce
	fmt.Fprintf(&inside, "{ user: %s, password: %s }\n", admin, admin)
	fmt.Fprintf(&inside, "{ user: %s, password: %s, permissions: { publish: { deny: \">\" }, subscribe: %q } }\n", nobody, nobody,
		bus.Inbox("", bus.RoleWorker)+".>")
	var importing []bus.PermissionsConfig
	for _, user := range slices.Sorted(maps.Keys(l.users)) {
		c := l.users[user]
		if l.apart && c.Role != bus.RoleCoordinator {
			importing = append(importing, c)
			fmt.Fprintf(&outside, "%s {\n%susers: [\n%s{ user: %s, password: %s }\n] }\n", account(user), imports(t, c), login(t, user, c),
				bare(user), bare(user))
		} else {
			inside.WriteString(login(t, user, c))
		}
	}
	exports, err := bus.ExportsOf(importing...)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, fmt.Sprintf("listen: 127.0.0.1:-1\njetstream { store_dir: %q }\n"+
		"accounts {\nA { jetstream: enabled, users: [\n%s]\n%s}\n%s}\n", t.TempDir(), &inside, bus.ExportsConf(exports), &outside))
}

// login is a user with what is printed for it.
func login(t *testing.T, user string, c bus.PermissionsConfig) string {
	t.Helper()
	p, err := bus.PermissionsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("{ user: %s, password: %s\n%s}\n", user, user, p.Conf())
}

func imports(t *testing.T, c bus.PermissionsConfig) string {
	t.Helper()
	all, err := bus.ImportsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return bus.ImportsConf(all, "A")
}

// written is a file with this text.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
