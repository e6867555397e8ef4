package mapreduce

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Commands are what a job runs instead of a program of the binary: executables in any language, each a line for `sh -c`. They read and
// write lines, as those of Hadoop Streaming do: docs/streaming.md has the contract.
//
//	input ─▶ sh -c Map ─▶ key TAB value ─▶ [sh -c Combine] ─▶ sort ─▶ key TAB value ─▶ sh -c Reduce ─▶ key TAB value
type Commands struct {
	Map     string `json:"map,omitempty"`
	Combine string `json:"combine,omitempty"` // of what a map task has emitted, sorted; none: nothing is combined
	Reduce  string `json:"reduce,omitempty"`  // none: map only

	Separator       string `json:"separator,omitempty"`        // one byte between the fields of a line; TAB
	KeyFields       int    `json:"key_fields,omitempty"`       // so many fields make the key; 1
	PartitionFields int    `json:"partition_fields,omitempty"` // so many of these decide the partition; all
	Sort            string `json:"sort,omitempty"`             // the order of keys, as sort(1) has it behind -k: "1,1 2,2nr"; by bytes
	Silence         int    `json:"silence,omitempty"`          // seconds after which a command that gives no sign of life is killed; 600
	Shared          bool   `json:"shared,omitempty"`           // small inputs of one task share a process, which is not told their names
}

// Given reports whether a job runs commands.
func (c Commands) Given() bool { return c.Map != "" || c.Combine != "" || c.Reduce != "" }

// Exec is the class of tasks that run a job's commands: for workers that were allowed to.
const Exec Class = "exec"

// DefaultSilence is for how long a command may give no sign of life.
const DefaultSilence = 10 * time.Minute

// Limits of commands.
const (
	maxCommand   = 32 << 10 // bytes of one
	maxKeyFields = 64
	maxSilence   = 30 * 24 * 3600 // seconds
)

// Name is how a job's commands are called where others have a program's name.
func (c Commands) Name() string { return "sh -c " + Abridge(strings.TrimSpace(c.Map), 64) }

// FieldSeparator is the byte between the fields of a line.
func (c Commands) FieldSeparator() byte {
	if c.Separator == "" {
		return '\t'
	}
	return c.Separator[0]
}

// Fields is how many fields make the key of a line, and how many of these decide its partition.
func (c Commands) Fields() (key, partition int) {
	key = max(1, c.KeyFields)
	if partition = c.PartitionFields; partition == 0 {
		partition = key
	}
	return key, partition
}

// Patience is for how long a command may give no sign of life.
func (c Commands) Patience() time.Duration {
	if c.Silence == 0 {
		return DefaultSilence
	}
	return time.Duration(c.Silence) * time.Second
}

func (c Commands) validate() error {
	key, partition := c.Fields()
	_, err := ParseKeySort(c.Sort)
	switch {
	case c == Commands{}:
		return nil
	case strings.TrimSpace(c.Map) == "":
		return errors.New("the job has commands, and none of them is its map: `cat` passes lines on as they are")
	case len(c.Map) > maxCommand || len(c.Combine) > maxCommand || len(c.Reduce) > maxCommand:
		return fmt.Errorf("a command of more than %d bytes: put it into a file and ship that along", maxCommand)
	case strings.ContainsRune(c.Map+c.Combine+c.Reduce, 0):
		return errors.New("a command with a NUL in it, which no command line can have")
	case c.Combine != "" && c.Reduce == "":
		return errors.New("a combine without a reduce: nothing would be combined")
	case c.Sort != "" && c.Reduce == "":
		return errors.New("a sort without a reduce: nothing would be sorted; --order sorts rows")
	case len(c.Separator) > 1 || c.Separator == "\n":
		return fmt.Errorf("separator %q: use one byte, and no LF", c.Separator)
	case key > maxKeyFields || c.KeyFields < 0 || partition < 0 || partition > key:
		return fmt.Errorf("%d key fields, %d for the partition: use 1 to %d, and no more for the partition", key, partition, maxKeyFields)
	case c.Silence < 0 || c.Silence > maxSilence:
		return fmt.Errorf("silence of %d s: use 1 to %d", c.Silence, maxSilence)
	}
	return err
}
