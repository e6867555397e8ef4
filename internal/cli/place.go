package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// place decides where the result goes, and refuses what cannot be written before any work is done.
func (r *jobRun) place() (err error) {
	r.target = r.job.Output
	r.job.Output = mapreduce.Target{}
	if name := r.flags.output; !r.server.none() && isURL(name) {
		r.job.Output.To, r.job.Output.Force = name, r.flags.force
		r.target, err = placeThere(name, r.target)
		return err
	}
	if !r.server.none() && strings.HasSuffix(r.flags.output, "/") {
		return usageError{fmt.Errorf("--output %s: a directory of parts is written by the workers, where you name it: file:///path/", r.flags.output)}
	}
	r.target, r.stream, err = place(r.flags.output, r.target)
	return err
}

// isURL reports whether a name says by itself how to get there. ./ in front of it makes it a path.
func isURL(name string) bool {
	scheme, _, found := strings.Cut(name, "://")
	return found && scheme != "" && !strings.ContainsAny(scheme, "/.")
}

// placeThere is the format of a result that goes where a URL says: a file of the workers, or an object of the bus.
func placeThere(name string, target mapreduce.Target) (mapreduce.Target, error) {
	there := mapreduce.Target{To: name}
	file, err := "", error(nil)
	switch there.Kind() {
	case mapreduce.ToObject:
		var object mapreduce.Object
		object, _, err = there.Object()
		file = object.Name
	case mapreduce.ToBucket, mapreduce.ToStream:
		if _, _, err = there.Named(); err == nil {
			return target, nil // rows are no file, and have no format
		}
	case mapreduce.ToDir:
	default:
		file, err = output.Path(there)
	}
	if err != nil {
		return target, usageError{fmt.Errorf("--output: %w", err)}
	}
	return formatted(target, file), nil
}

// formatted is a target whose format is that of the file's ending, unless another was asked for.
func formatted(target mapreduce.Target, file string) mapreduce.Target {
	if target.Format == "" {
		target.Format = string(output.FormatFor(file))
	}
	return target
}

// place is where on this machine a result goes that was asked to go to name: into a file, or as a stream.
func place(name string, target mapreduce.Target) (_ mapreduce.Target, stream bool, err error) {
	if name == "-" {
		return target, true, nil
	}
	if err := checkFileName(name); err != nil {
		return target, false, usageError{err}
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return target, false, err
	}
	if strings.HasSuffix(name, "/") {
		target.To = output.URL(path) + "/"
		return target, false, checkTarget(target)
	}
	return placeFile(path, formatted(target, path))
}

// placeFile is place for one file, or what looks like one.
func placeFile(path string, target mapreduce.Target) (_ mapreduce.Target, stream bool, err error) {
	if fd := ownDescriptor(path); fd >= 0 {
		return target, true, inherited(fd)
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return target, true, nil // a device or a pipe: written to, not replaced
	}
	target.To = output.URL(path)
	return target, false, checkTarget(target)
}

// checkTarget refuses flags that contradict each other, and then what cannot be written.
func checkTarget(target mapreduce.Target) error {
	if err := target.Validate(); err != nil {
		return usageError{fmt.Errorf("--output: %w", err)}
	}
	return output.Check(target)
}

// checkFileName refuses names that are of no file on this machine.
func checkFileName(name string) error {
	switch {
	case name == "":
		return errors.New("--output names no file")
	case isURL(name):
		return fmt.Errorf("--output %s: only `jetreduce run` on a server (--server or NATS_URL) writes to a URL: "+
			"name a file of this machine, or a server", name)
	}
	return nil
}
