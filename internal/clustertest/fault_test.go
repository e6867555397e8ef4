package clustertest_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
)

// A client that begins to publish while its connection ends, as a worker may that wakes up late, can leave behind the library's wait for
// news of that connection.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

// A worker dies or stalls at each point of an attempt of each phase, on a real server: the result is what it would have
// been, each task has one winner, and what the zombie does when it comes back changes nothing.
func TestAttemptsThatDieOrComeLateChangeNothing(t *testing.T) {
	for _, phase := range []mapreduce.Phase{mapreduce.Plan, mapreduce.Map, mapreduce.Reduce, mapreduce.Finish} {
		for _, point := range []clustertest.Point{clustertest.Pulled, clustertest.Published, clustertest.Committed} {
			for _, dies := range []bool{true, false} {
				name := fmt.Sprintf("%s/%s/dies=%t", phase, point, dies)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					hitAndCompare(t, clustertest.NewFault(phase, point, dies))
				})
			}
		}
	}
}

func hitAndCompare(t *testing.T, fault *clustertest.Fault) {
	cluster := clustertest.Cluster{Workers: 2, Refit: fault.Refit}
	status, got := cluster.Run(t, mapreduce.Job{
		Program: "wordcount", Inputs: clustertest.WriteFiles(t, "a b a\nc a\n", "b b d\n", "e a\nf\n"), SplitSize: 5, Reduces: 2,
	})
	if status.State != mapreduce.Done {
		t.Fatalf("the job is %s: %s", status.State, status.Error)
	}
	if want := "a\t4\nb\t3\nc\t1\nd\t1\ne\t1\nf\t1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	checkStruck(t, fault)
	if status.Attempts.Failed != 0 {
		t.Errorf("%d attempts count as failed: a worker that dies is no failure of the program", status.Attempts.Failed)
	}
}

// checkStruck checks that the fault did what it should, and that each task has one winner.
func checkStruck(t *testing.T, fault *clustertest.Fault) {
	t.Helper()
	hit, acted := fault.Struck()
	if !hit {
		t.Error("the fault never struck: this test tested nothing")
	}
	if !acted && !fault.Dies && fault.Phase != mapreduce.Finish {
		t.Error("the stalled worker never came back: this test tested half of what it should")
	}
	for task, winners := range fault.Winners() {
		if len(winners) != 1 {
			t.Errorf("task %s was won by %v", task, winners)
		}
	}
}

func TestProgramThatFailsFourTimesFailsTheJobWithItsWords(t *testing.T) {
	t.Parallel()
	bad := mapreduce.Program{
		Name: "bad", Noun: "things",
		Mapper:  func(map[string]string) (mapreduce.Mapper, error) { return failing{}, nil },
		Reducer: mapreduce.SumReducer,
	}
	status, content := clustertest.Cluster{Programs: []mapreduce.Program{bad}}.Run(t, mapreduce.Job{
		Program: "bad", Inputs: clustertest.WriteFiles(t, "x\n"),
	})
	if status.State != mapreduce.Failed || status.Attempts.Failed != 4 || content != "" {
		t.Errorf("state %s after %d failed attempts, output %q", status.State, status.Attempts.Failed, content)
	}
	for _, want := range []string{"map task 0", "4 times", "cannot take this", "input-000.txt", "byte 0"} {
		if !strings.Contains(status.Error, want) {
			t.Errorf("the error %q does not say %q", status.Error, want)
		}
	}
}

func TestPanicFailsTheAttemptNotTheWorker(t *testing.T) {
	t.Parallel()
	bad := mapreduce.Program{
		Name:    "bad",
		Mapper:  func(map[string]string) (mapreduce.Mapper, error) { panic("at the disco") },
		Reducer: mapreduce.SumReducer,
	}
	status, _ := clustertest.Cluster{Programs: []mapreduce.Program{bad}}.Run(t, mapreduce.Job{
		Program: "bad", Inputs: clustertest.WriteFiles(t, "x\n"),
	})
	if status.State != mapreduce.Failed || !strings.Contains(status.Error, "at the disco") {
		t.Errorf("state %s: %s", status.State, status.Error)
	}
}

func TestMissingInputFailsAtOnceByName(t *testing.T) {
	t.Parallel()
	status, _ := clustertest.Cluster{}.Run(t, mapreduce.Job{Program: "wordcount", Inputs: []string{"/no/such/file.txt"}})
	if status.State != mapreduce.Failed || !strings.Contains(status.Error, "/no/such/file.txt") || status.Attempts.Failed != 1 {
		t.Errorf("state %s after %d failed attempts: %s", status.State, status.Attempts.Failed, status.Error)
	}
}
