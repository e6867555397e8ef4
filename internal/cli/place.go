package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"jetreduce/mapreduce/output"
)

// place decides where the result goes, and refuses what cannot be written before any work is done.
func (r *jobRun) place() error {
	name := r.flags.output
	if name == "-" {
		r.stream = true
		return nil
	}
	if name == "" {
		return usageError{errors.New("--output names no file")}
	}
	if strings.HasSuffix(name, "/") {
		return usageError{fmt.Errorf("--output %s: a directory of parts is not supported yet: name a file", name)}
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	if r.flags.format == "" {
		r.job.Output.Format = string(output.FormatFor(path))
	}
	if fd := ownDescriptor(path); fd >= 0 {
		r.stream = true
		return inherited(fd)
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		r.stream = true // a device or a pipe: written to, not replaced
		return nil
	}
	r.job.Output.To = output.URL(path)
	return output.Check(r.job.Output)
}
