package cli

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

func newPrograms(terminal Terminal, set programs.Set) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "programs", Short: "List the programs that jobs may name", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return listPrograms(terminal, set)
			}
			t := columns("program", "does")
			for _, p := range set.All() {
				t.AppendRow(table.Row{p.Name, p.Doc})
			}
			_, err := fmt.Fprintln(terminal.Out, t.Render())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func listPrograms(terminal Terminal, set programs.Set) error {
	type program struct {
		Name string `json:"name"`
		Doc  string `json:"doc"`
	}
	list := []program{}
	for _, p := range set.All() {
		list = append(list, program{p.Name, p.Doc})
	}
	encoder := json.NewEncoder(terminal.Out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}

func programNames(set programs.Set) []string {
	var names []string
	for _, p := range set.All() {
		names = append(names, p.Name+"\t"+p.Doc)
	}
	return names
}

// columns is a table with these columns and without a frame, so that it can be cut and grepped.
func columns(names ...any) table.Writer {
	t := table.NewWriter()
	t.SetStyle(plain())
	t.AppendHeader(names)
	return t
}

func plain() table.Style {
	s := table.StyleDefault
	s.Options = table.OptionsNoBordersAndSeparators
	s.Format.Header = 0
	return s
}

// noArgs refuses arguments as a usage error.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no argument, and got %q", cmd.CommandPath(), args[0])}
	}
	return nil
}

func newVersion(terminal Terminal) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(terminal.Out, "jetreduce %s (records of version %d)\n", version(), mapreduce.RecordVersion)
			return err
		},
	}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
