package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// processes is where Linux shows them; elsewhere nobody is found.
const processes = "/proc"

// daemonHere is the first process of this container, behind an init process or not; when that is not ours, its child that is a daemon.
// What nobody has found is not well: an error says what to pass.
func daemonHere(processes string) (here, error) {
	if first := readHere(commandLine(filepath.Join(processes, "1"))); first.ours {
		return first, nil
	}
	found := childDaemons(processes)
	switch len(found) {
	case 0:
		return here{}, errors.New("process 1 is not jetreduce, and no child of it is a daemon of jetreduce: " + nameOne)
	case 1:
		return found[0], nil
	}
	var kinds []string
	for _, each := range found {
		kinds = append(kinds, each.daemon)
	}
	return here{}, fmt.Errorf("there are several daemons of jetreduce here (%s): "+nameOne, strings.Join(kinds, ", "))
}

const nameOne = "name the one that is meant, as in `jetreduce health worker --server URL`"

// childDaemons are the daemons that process 1 has started, as a shell would.
func childDaemons(processes string) (found []here) {
	dirs, _ := filepath.Glob(filepath.Join(processes, "[0-9]*")) // the pattern is good
	for _, dir := range dirs {
		if one := readHere(commandLine(dir)); one.daemon != "" && childOfFirst(dir) {
			found = append(found, one)
		}
	}
	return found
}

// commandLine is that of a process; nil: nobody may see it, or it is gone.
func commandLine(process string) []string {
	text, _ := os.ReadFile(filepath.Join(process, "cmdline"))
	if len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
}

// childOfFirst reads the line `pid (name) state parent …`; the name may hold anything.
func childOfFirst(process string) bool {
	text, _ := os.ReadFile(filepath.Join(process, "stat"))
	line := string(text)
	fields := strings.Fields(line[strings.LastIndex(line, ")")+1:])
	return len(fields) > 1 && fields[1] == "1"
}
