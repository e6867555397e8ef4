package processtest_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"jetreduce"
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// TestMain makes this test binary the jetreduce command, with programs of the tests' own, in the processes that they start.
func TestMain(m *testing.M) {
	processtest.Main(func() { jetreduce.Main(ownPrograms()...) })
	goleak.VerifyTestMain(m)
}

// ownPrograms are those that only these tests have.
func ownPrograms() []mapreduce.Program {
	all := programs.Builtin()
	at := slices.IndexFunc(all, func(p mapreduce.Program) bool { return p.Name == "wordcount" })
	if at < 0 {
		fmt.Fprintln(os.Stderr, "there is no program wordcount")
		os.Exit(1)
	}
	gated := processtest.Gated("gated", all[at])
	return []mapreduce.Program{gated, processtest.Slowed("slow", gated), fickle(all[at]), padded(all[at])}
}

// cluster is what most tests need: a machine on which a bus, coordinators and a client are there, and workers are not yet.
type cluster struct {
	*processtest.Machine
	bus          *processtest.Process // nil: the leader hosts it
	coordinators []*processtest.Process
}

// newCluster starts so many coordinators; the first leads.
func newCluster(t *testing.T, hosting bool, coordinators int) *cluster {
	t.Helper()
	c := &cluster{Machine: processtest.NewMachine(t)}
	c.Hosting = hosting
	c.start(coordinators)
	return c
}

func (c *cluster) start(coordinators int) {
	c.bus, c.coordinators = nil, nil
	if !c.Hosting {
		c.bus = c.Bus()
	}
	for i := range coordinators {
		p := c.Coordinator()
		if c.coordinators = append(c.coordinators, p); i == 0 {
			p.Await("decides")
		}
	}
}

// leader is the first coordinator.
func (c *cluster) leader() *processtest.Process { return c.coordinators[0] }

// eachKind runs a test with a bus of its own and with one that the leader hosts.
func eachKind(t *testing.T, test func(t *testing.T, hosting bool)) {
	for name, hosting := range map[string]bool{"separate bus": false, "hosted bus": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, hosting)
		})
	}
}

// gatedJob counts the words of the lines, one map for each, two reduces, with attempts that wait at the gate.
func gatedJob(t *testing.T, id string, gate *processtest.Gate, lines []string) mapreduce.Job {
	t.Helper()
	return mapreduce.Job{
		ID: mapreduce.JobID(id), Program: "gated", Args: gate.Args(), SplitSize: 1, Reduces: 2,
		Inputs: processtest.WriteLines(t, lines),
	}
}

// checkResult compares the result of a job that is done with a sequential count.
func checkResult(t *testing.T, m *processtest.Machine, status mapreduce.Status, want string) {
	t.Helper()
	if got := m.Result(status); got != want {
		t.Errorf("the result has %d bytes, want %d:\n%.300q\nwant\n%.300q", len(got), len(want), got, want)
	}
}
