package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"jetreduce/mapreduce"
)

// commandFlags are the flags that say what a job's commands are, and how their lines are read.
type commandFlags struct {
	mapper, combiner, reducer string
	files                     []string
	separator                 string
	keyFields, partition      int
	sort                      string
	silence                   time.Duration
	share                     bool
}

func (f *commandFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.mapper, "map", "", "instead of a program: a `command` for `sh -c`; lines of the input come in, KEY TAB VALUE goes out")
	flags.StringVar(&f.combiner, "combine", "", "a `command` that makes fewer lines of what a map task has put out, sorted by key")
	flags.StringVar(&f.reducer, "reduce", "", "a `command`; KEY TAB VALUE comes in, sorted by key, and goes out (without one: map only)")
	flags.StringArrayVar(&f.files, "file", nil, "ship `FILE` along: it stands beside the program, under its own name; repeatable")
	flags.StringVar(&f.separator, "separator", "", "one `byte` between the fields of a command's lines (TAB)")
	flags.IntVar(&f.keyFields, "key-fields", 0, "the first `N` fields of a command's lines are the key (1)")
	flags.IntVar(&f.partition, "partition-fields", 0, "the first `N` of these decide the partition (all)")
	flags.StringVar(&f.sort, "sort", "", "order of the keys that a reduce command sees, as sort -k has it: \"1,1 2,2nr\" (by bytes)")
	flags.DurationVar(&f.silence, "silence", 0, "kill a command that gives no sign of life for so long (10m)")
	flags.BoolVar(&f.share, "share", false, "small inputs share a process, which is not told their names: faster with thousands of them")
}

// given reports whether the job runs commands.
func (f *commandFlags) given() bool { return f.mapper != "" || f.combiner != "" || f.reducer != "" }

// commands are those of the job; none if it runs a program.
func (f *commandFlags) commands() (mapreduce.Commands, error) {
	c := mapreduce.Commands{
		Map: f.mapper, Combine: f.combiner, Reduce: f.reducer, Separator: f.separator, KeyFields: f.keyFields,
		PartitionFields: f.partition, Sort: f.sort, Silence: int((f.silence + time.Second - 1) / time.Second), Shared: f.share,
	}
	switch {
	case f.silence < 0:
		return c, fmt.Errorf("--silence %s: use a positive time", f.silence)
	case !f.given() && c != mapreduce.Commands{}:
		return c, errors.New("--separator, --key-fields, --partition-fields, --sort, --silence and --share are for commands: name one with --map")
	case f.given() && f.mapper == "":
		return c, errors.New("--combine and --reduce go with a --map; `--map cat` passes lines on as they are")
	}
	return c, nil
}

// shipped is the files that are shipped along, as names that hold wherever this process is. What is no file says the plan.
func (f *commandFlags) shipped() ([]string, error) {
	var files []string
	for _, name := range f.files {
		if name == "" {
			return nil, errors.New("--file names no file")
		}
		if !isURL(name) {
			path, err := filepath.Abs(name)
			if err != nil {
				return nil, err
			}
			name = asText(path)
		}
		files = append(files, name)
	}
	return files, nil
}
