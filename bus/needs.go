package bus

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
)

// needs says who may do what was denied, and how a user comes to it.
func needs(nc *nats.Conn, prefix string, d Denied) string {
	inbox := cmp.Or(nc.Opts.InboxPrefix, "_INBOX")
	if d.Listening && strings.HasPrefix(d.Subject, inbox+".") {
		whose := RoleOf(nc.Opts.Name)
		return fmt.Sprintf("no answer can come there: give this user the permissions of %s (%s), "+
			"or name the inbox that it has with --inbox-prefix, as %s", article(string(whose)), printing(prefix, string(whose)), Inbox(prefix, RoleObserver))
	}
	roles := Roles()
	if is := RoleOf(nc.Opts.Name); is != RoleClient { // a client may need no more than an observer may
		roles = append([]Role{is}, roles...)
	}
	for _, role := range roles {
		if mayDo(PermissionsConfig{Role: role, Prefix: prefix}, d) {
			return fmt.Sprintf("this user needs the permissions of %s: %s prints them", article(string(role)), printing(prefix, string(role)))
		}
	}
	return needsMore(prefix, d)
}

// needsMore is the same for what a role may do only if that is asked for when its permissions are printed.
func needsMore(prefix string, d Denied) string {
	for _, more := range []struct {
		words string
		c     PermissionsConfig
	}{
		{"client --exec", PermissionsConfig{Role: RoleClient, Exec: true}},
		{"worker --output " + outputOf(d.Subject), PermissionsConfig{Role: RoleWorker, Outputs: []string{outputOf(d.Subject)}}},
	} {
		if more.c.Prefix = prefix; mayDo(more.c, d) {
			return fmt.Sprintf("that is no part of what a %s may do: %s prints what this user needs", more.c.Role, printing(prefix, more.words))
		}
	}
	return "no role of jetreduce has this permission: if a result goes there, " +
		printing(prefix, "worker --output stream://STREAM?subject=SUBJECT")
}

// printing is the command that prints permissions.
func printing(prefix, words string) string {
	if prefix != "" && prefix != DefaultPrefix {
		words += " --prefix " + prefix
	}
	return "`jetreduce permissions " + words + "`"
}

// RoleOf is the role of a process by what its connection calls itself, its last word; of what is no daemon and does not look into one, a
// client's.
func RoleOf(connection string) Role {
	switch connection[strings.LastIndexByte(connection, ' ')+1:] {
	case "worker":
		return RoleWorker
	case "coordinator", "backup", "setup", "doctor":
		return RoleCoordinator
	}
	return RoleClient
}

// outputOf is the place of results to which a subject belongs, or nothing that is one.
func outputOf(subject string) string {
	for lead, scheme := range map[string]string{"$KV.": "kv://", "$O.": "object://"} {
		if rest, is := strings.CutPrefix(subject, lead); is {
			bucket, _, _ := strings.Cut(rest, ".")
			return scheme + bucket
		}
	}
	return "none"
}

func mayDo(c PermissionsConfig, d Denied) bool {
	p, err := PermissionsOf(c)
	may := p.Publish
	if d.Listening {
		may = p.Subscribe
	}
	return err == nil && slices.ContainsFunc(may, func(filter string) bool { return covers(filter, d.Subject) })
}
