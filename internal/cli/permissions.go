package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jetreduce/bus"
)

// permissionsFlags are those of `jetreduce permissions`.
type permissionsFlags struct {
	c       bus.PermissionsConfig
	server  serverFlag // of which only the prefixes can be said: nobody connects
	format  string
	from    string // the account of jetreduce, from which the role's own imports; "": both are one account
	exports bool   // print what that account exports
}

const permissionsLong = `Print what a user of a NATS server must be allowed for a role (%s), and no more:
a part of that user's block in nats-server.conf, or arguments of ` + "`nsc add user`" + `. What each role can do when somebody
takes it over, docs/security.md says.

A user whom you do not trust needs an account of its own, too: within one account a server answers wherever it is asked
to. --imports-from prints a part of that account's block, --exports one of the block of the account of jetreduce.`

const permissionsExample = `  jetreduce permissions worker --output kv://words --output 'stream://OUT?subject=out.{key}'
  eval "nsc add user worker $(jetreduce permissions worker --format nsc)"
  jetreduce permissions observer client worker --output kv://words --exports
  jetreduce permissions worker --output kv://words --imports-from JETREDUCE`

func newPermissions(terminal Terminal) *cobra.Command {
	var f permissionsFlags
	var roles []string
	for _, role := range bus.Roles() {
		roles = append(roles, string(role))
	}
	cmd := &cobra.Command{
		Use: "permissions ROLE...", Short: "Print what a user of a NATS server must be allowed, and no more",
		Long:    fmt.Sprintf(permissionsLong, strings.Join(roles, ", ")),
		Example: permissionsExample,
		ValidArgsFunction: func(_ *cobra.Command, named []string, _ string) ([]string, cobra.ShellCompDirective) {
			return f.others(roles, named), cobra.ShellCompDirectiveNoFileComp
		},
		Args: f.someOfRoles(roles),
		RunE: func(_ *cobra.Command, args []string) error { return f.run(terminal, args) },
	}
	f.register(cmd)
	return cmd
}

// someOfRoles takes the name of one; exports may be for many.
func (f *permissionsFlags) someOfRoles(roles []string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 || len(args) > 1 && !f.exports {
			return usageError{fmt.Errorf("permissions of whom? One of %s", strings.Join(roles, ", "))}
		}
		return nil
	}
}

// others are the roles that can be named behind these.
func (f *permissionsFlags) others(roles, named []string) []string {
	if len(named) > 0 && !f.exports {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(roles), func(role string) bool {
		return slices.Contains(named, role) || f.exports && role == string(bus.RoleCoordinator)
	})
}

func (f *permissionsFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.server.cmd = cmd
	flags.StringVar(&f.format, "format", "conf", "conf, for nats-server.conf, or nsc")
	flags.StringVar(&f.from, "imports-from", "", "print what an account of its own imports, from the `ACCOUNT` of jetreduce")
	flags.BoolVar(&f.exports, "exports", false, "print what the account of jetreduce exports to accounts of these roles")
	flags.StringVar(&f.server.prefix, "prefix", "",
		"`NAME` in front of all that jetreduce has on the server ("+bus.DefaultPrefix+"); or "+prefixVariable)
	flags.StringVar(&f.server.inbox, "inbox-prefix", "", "`SUBJECT` that answers to this role begin with ("+bus.Inbox("", "ROLE")+")")
	flags.StringArrayVar(&f.c.Inputs, "input", nil, "stream://`STREAM` that workers may read through consumers, which is faster; repeatable")
	flags.StringArrayVar(&f.c.Outputs, "output", nil,
		"where results go: `kv://BUCKET`, object://BUCKET, stream://STREAM?subject=SUBJECT; for all roles; repeatable")
	flags.BoolVar(&f.c.Exec, "exec", false, "client: submit jobs of commands to a coordinator with --exec permitted")
	flags.BoolVar(&f.c.Results, "results", false, "observer: fetch results")
	flags.BoolVar(&f.c.TCP, "tcp", false, "coordinator: serve original workers (--tcp), whose tasks it runs itself")
}

func (f *permissionsFlags) run(terminal Terminal, roles []string) (err error) {
	if err := f.server.checkEmpty(); err != nil {
		return err
	}
	f.c.Role, f.c.Inbox = bus.Role(roles[0]), f.server.inbox
	if f.c.Prefix, err = f.server.prefixed(); err != nil {
		return err
	}
	text, err := f.text(roles)
	if err != nil {
		return usageError{err}
	}
	_, err = fmt.Fprint(terminal.Out, text)
	return err
}

// text is what is printed for these roles.
func (f *permissionsFlags) text(roles []string) (string, error) {
	switch {
	case f.from == "" && f.server.cmd.Flags().Changed("imports-from"):
		return "", fmt.Errorf("--imports-from is empty: name the account of jetreduce")
	case f.exports && f.from != "":
		return "", fmt.Errorf("--exports is for the account of jetreduce, --imports-from for another: use one of them")
	case f.exports || f.from != "":
		return f.apart(roles)
	}
	p, err := bus.PermissionsOf(f.c)
	switch {
	case err != nil:
		return "", err
	case f.format == "nsc":
		return p.NSC(), nil
	case f.format != "conf":
		return "", fmt.Errorf("--format %q: use conf or nsc", f.format)
	}
	return fmt.Sprintf("# %s of jetreduce, prefix %s; it receives answers at %s\n%s", f.c.Role, f.prefix(),
		cmp.Or(f.c.Inbox, bus.Inbox(f.c.Prefix, f.c.Role)), p.Conf()), nil
}

// apart is what is printed for a role that has an account of its own.
func (f *permissionsFlags) apart(roles []string) (string, error) {
	if f.format != "conf" {
		return "", fmt.Errorf("--format %q: imports and exports are printed as conf", f.format)
	}
	if f.from != "" {
		imports, err := bus.ImportsOf(f.c)
		return fmt.Sprintf("# for an account of the %s of jetreduce, prefix %s\n%s", f.c.Role, f.prefix(), bus.ImportsConf(imports, f.from)), err
	}
	configs := make([]bus.PermissionsConfig, len(roles))
	for i, role := range roles {
		configs[i] = f.c
		configs[i].Role = bus.Role(role)
	}
	exports, err := bus.ExportsOf(configs...)
	return fmt.Sprintf("# for the account of jetreduce, prefix %s: what accounts of %s import\n%s", f.prefix(), strings.Join(roles, ", "),
		bus.ExportsConf(exports)), err
}

func (f *permissionsFlags) prefix() string { return cmp.Or(f.c.Prefix, bus.DefaultPrefix) }
