package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"jetreduce/bus"
)

// permissionsFlags are those of `jetreduce permissions`.
type permissionsFlags struct {
	c      bus.PermissionsConfig
	format string
}

func newPermissions(terminal Terminal) *cobra.Command {
	var f permissionsFlags
	var roles []string
	for _, role := range bus.Roles() {
		roles = append(roles, string(role))
	}
	cmd := &cobra.Command{
		Use: "permissions ROLE", Short: "Print what a user of a NATS server must be allowed, and no more",
		Long: "Print what a user of a NATS server must be allowed for a role (" + strings.Join(roles, ", ") + "), and no more:\n" +
			"a part of that user's block in nats-server.conf, or arguments of `nsc add user`. What each role can do when somebody\n" +
			"takes it over, docs/security.md says.",
		Example: "  jetreduce permissions worker --output kv://words --output 'stream://OUT?subject=out.{key}'\n" +
			"  eval \"nsc add user worker $(jetreduce permissions worker --format nsc)\"",
		ValidArgs: roles,
		Args:      oneOfRoles(roles),
		RunE: func(_ *cobra.Command, args []string) error {
			f.c.Role = bus.Role(args[0])
			return f.print(terminal)
		},
	}
	f.register(cmd)
	return cmd
}

// oneOfRoles takes the name of one.
func oneOfRoles(roles []string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("permissions of whom? One of %s", strings.Join(roles, ", "))}
		}
		return nil
	}
}

func (f *permissionsFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "conf", "conf, for nats-server.conf, or nsc")
	flags.StringVar(&f.c.Prefix, "prefix", "", "`NAME` in front of all that jetreduce has on the server ("+bus.DefaultPrefix+")")
	flags.StringVar(&f.c.Inbox, "inbox-prefix", "", "`SUBJECT` that answers to this role begin with ("+bus.Inbox("", "ROLE")+")")
	flags.StringArrayVar(&f.c.Inputs, "input", nil, "stream://`STREAM` that workers may read through consumers, which is faster; repeatable")
	flags.StringArrayVar(&f.c.Outputs, "output", nil,
		"where results go: `kv://BUCKET`, object://BUCKET, stream://STREAM?subject=SUBJECT; for all roles; repeatable")
	flags.BoolVar(&f.c.Exec, "exec", false, "client: submit jobs of commands to a coordinator with --exec permitted")
	flags.BoolVar(&f.c.Results, "results", false, "observer: fetch results")
	flags.BoolVar(&f.c.TCP, "tcp", false, "coordinator: serve original workers (--tcp), whose tasks it runs itself")
}

func (f *permissionsFlags) print(terminal Terminal) error {
	p, err := bus.PermissionsOf(f.c)
	if err != nil {
		return usageError{err}
	}
	var text string
	switch f.format {
	case "conf":
		text = fmt.Sprintf("# %s of jetreduce, prefix %s; it receives answers at %s\n%s", f.c.Role, cmp.Or(f.c.Prefix, bus.DefaultPrefix),
			cmp.Or(f.c.Inbox, bus.Inbox(f.c.Prefix, f.c.Role)), p.Conf())
	case "nsc":
		text = p.NSC()
	default:
		return usageError{fmt.Errorf("--format %q: use conf or nsc", f.format)}
	}
	_, err = fmt.Fprint(terminal.Out, text)
	return err
}
