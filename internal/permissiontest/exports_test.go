package permissiontest_test

import (
	"slices"
	"strings"
	"testing"

	"jetreduce/bus"
)

// What accounts of their own may reach, is each what some role lives by.
func TestNoExportIsOfNoUse(t *testing.T) {
	t.Parallel()
	exports := exported(t)
	var done []string
	for user, c := range apart().users {
		if c.Role != bus.RoleCoordinator {
			done = append(done, allowed()[user]...)
		}
	}
	for _, e := range exports {
		used := slices.ContainsFunc(done, func(what string) bool {
			subject, listening := strings.CutPrefix(what, listen)
			return listening == e.Stream && matches(e.Subject, subject)
		})
		if !used {
			t.Errorf("nobody lives by %+v", e)
		}
	}
}

// What no role but the coordinator may do, no account of a role's own can reach.
func TestNothingIsExportedThatIsForbiddenToAll(t *testing.T) {
	t.Parallel()
	exports, tried := exported(t), 0
	for _, subjects := range forbidden()["observer"] {
		for _, what := range subjects {
			if !forbiddenToAll(what) {
				continue
			}
			tried++
			subject, listening := strings.CutPrefix(what, listen)
			for _, e := range exports {
				if listening == e.Stream && matches(e.Subject, subject) {
					t.Errorf("%+v lets somebody %s", e, what)
				}
			}
		}
	}
	if tried < 200 {
		t.Errorf("%d things were tried: the table has more", tried)
	}
}

func forbiddenToAll(what string) bool {
	for user, c := range users() {
		if c.Role == bus.RoleCoordinator {
			continue
		}
		found := false
		for _, subjects := range forbidden()[user] {
			found = found || slices.Contains(subjects, what)
		}
		if !found {
			return false
		}
	}
	return true
}

// Of an account that was taken over with all its users, the imports alone say what it can do.
func TestImportsAreWhatTheRoleMay(t *testing.T) {
	t.Parallel()
	for user, c := range apart().users {
		if c.Role == bus.RoleCoordinator {
			continue
		}
		imports, err := bus.ImportsOf(c)
		if err != nil {
			t.Fatal(err)
		}
		for what, subjects := range forbidden()[user] {
			for _, forbidden := range subjects {
				subject, listening := strings.CutPrefix(forbidden, listen)
				for _, i := range imports {
					if listening == i.Stream && matches(i.Subject, subject) {
						t.Errorf("the account of %s may %s: %+v takes %s", user, what, i, forbidden)
					}
				}
			}
		}
	}
}

// exported is what the account of jetreduce exports to those of all roles.
func exported(t *testing.T) []bus.Import {
	t.Helper()
	var configs []bus.PermissionsConfig
	for _, c := range apart().users {
		if c.Role != bus.RoleCoordinator {
			configs = append(configs, c)
		}
	}
	exports, err := bus.ExportsOf(configs...)
	if err != nil {
		t.Fatal(err)
	}
	return exports
}
