package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// shells are those for which there is a script, and what makes it.
func shells(root *cobra.Command) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		"bash":       func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        root.GenZshCompletion,
		"fish":       func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": root.GenPowerShellCompletionWithDesc,
	}
}

func newCompletion(terminal Terminal) *cobra.Command {
	names := slices.Sorted(maps.Keys(shells(nil)))
	return &cobra.Command{
		Use: "completion " + strings.Join(names, "|"), Short: "Print a script that completes commands in a shell", ValidArgs: names,
		Long: "Print a script that has a shell complete commands, flags, programs, and the jobs and pools of a server that answers.\n" +
			"bash needs the package bash-completion. `jetreduce completion SHELL` writes to standard output.",
		Example: "  source <(jetreduce completion bash)                                # this bash; or, for all that come:\n" +
			"  jetreduce completion bash > ~/.local/share/bash-completion/completions/jetreduce\n" +
			"  jetreduce completion zsh > \"${fpath[1]}/_jetreduce\"\n" +
			"  jetreduce completion fish > ~/.config/fish/completions/jetreduce.fish\n" +
			"  jetreduce completion powershell | Out-String | Invoke-Expression",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(names, args[0]) {
				return usageError{fmt.Errorf("%s takes the name of a shell, %s, and got %q", cmd.CommandPath(), strings.Join(names, ", "), args)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return shells(cmd.Root())[args[0]](terminal.Out) },
	}
}
