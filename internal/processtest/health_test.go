package processtest_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"jetreduce/internal/processtest"
)

// Promise: a daemon is healthy when it does its work, and not when it is paused, although others of its kind do theirs on this host;
// the reason is said in one line.
func TestHealthTellsAPausedDaemonFromALiveOne(t *testing.T) {
	t.Parallel()
	c := newCluster(t, false, 2)
	c.Await(0, processtest.Said{Message: "stands by", By: c.coordinators[1]})
	worker := c.Worker(1)
	c.Worker(1)
	for _, one := range []struct {
		kind, healthy, ill string
		process            *processtest.Process
	}{
		{"worker", "sent a heartbeat, with 0 attempts under way,", "no sign of life", worker},
		{"coordinator", "it leads, epoch", "no sign of life", c.coordinators[0]},
		{"backup", "epoch", "no sign of life", c.coordinators[1]}, // it may lead by now
		{"bus", "JetStream answers at", "does not answer", c.bus},
	} {
		of := []string{"health", one.kind}
		if one.process != c.bus {
			of = append(of, "--pid", strconv.Itoa(one.process.Pid()))
		}
		awaitHealthy(t, c, one.healthy, of)
		one.process.Pause()
		checkIll(t, c, one.ill, of)
		one.process.Resume()
		awaitHealthy(t, c, "is healthy", of)
	}
}

// awaitHealthy waits until the command says that all is well, in such words: a process that was paused needs a moment.
func awaitHealthy(t *testing.T, c *cluster, words string, command []string) {
	t.Helper()
	processtest.AwaitTrue(t, strings.Join(command, " ")+": "+words, func() bool {
		check := c.Command(command...)
		return check.Exit() == 0 && strings.Contains(check.Output(), words)
	})
}

func checkIll(t *testing.T, c *cluster, words string, command []string) {
	t.Helper()
	check := c.Command(append(command, "--timeout", "1s", "--json")...)
	code := check.Exit()
	var said struct {
		Daemon, Reason string
		Healthy        bool
	}
	if err := json.Unmarshal(check.Said(), &said); err != nil {
		t.Fatalf("%v: %v in %q", command, err, check.Said())
	}
	if code != 1 || said.Healthy || said.Daemon != command[1] || !strings.Contains(said.Reason, words) || strings.Contains(said.Reason, "\n") {
		t.Errorf("%v of a paused process: code %d, %+v: want 1, and %q in a line", command, code, said, words)
	}
}
