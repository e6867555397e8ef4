package cli

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpApart has some flags of a command stand apart in its help, behind the others: there are many of them, and few are needed.
func helpApart(cmd *cobra.Command, title string, names []string) {
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		group := pflag.NewFlagSet(title, pflag.ContinueOnError)
		group.SortFlags = false
		for _, name := range names {
			group.AddFlag(cmd.Flags().Lookup(name))
		}
		usage, err := usageWithout(cmd, group)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStderr(), "%s\n%s:\n%s", usage, title, group.FlagUsages())
		return err
	})
}

// usageWithout is what cobra says of a command, without the flags of a group.
func usageWithout(cmd *cobra.Command, group *pflag.FlagSet) (string, error) {
	hide := func(hidden bool) { group.VisitAll(func(flag *pflag.Flag) { flag.Hidden = hidden }) }
	hide(true)
	defer hide(false)
	out, err := cmd.OutOrStdout(), cmd.ErrOrStderr()
	defer cmd.SetOut(out)
	defer cmd.SetErr(err)
	var usage bytes.Buffer
	cmd.SetOut(&usage)
	cmd.SetErr(&usage)
	failed := cmd.Parent().UsageFunc()(cmd)
	return usage.String(), failed
}
