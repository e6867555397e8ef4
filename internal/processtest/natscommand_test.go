package processtest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// natsCommand is the nats command of this machine: JETREDUCE_TEST_NATS, or the one on the PATH.
func natsCommand(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("JETREDUCE_TEST_NATS"); path != "" {
		return path
	}
	path, err := exec.LookPath("nats")
	if err != nil {
		t.Skip("there is no nats command here: name one with JETREDUCE_TEST_NATS")
	}
	return path
}

// shell is a user with the nats command and nothing else.
type shell struct {
	*cluster
	command string
}

// nats runs the command, which must end with 0, and returns all that it says.
func (s shell) nats(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.command, append([]string{"--server", s.URL()}, args...)...)
	cmd.Env = []string{"HOME=" + filepath.Join(s.Dir(), "home"), "PATH=" + os.Getenv("PATH")}
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("nats %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return string(said)
}

// publish stores a job durably.
func (s shell) publish(t *testing.T, job string) {
	t.Helper()
	if said := s.nats(t, "pub", "-J", "jetreduce.jobs", job); !strings.Contains(said, "Stored in Stream: JETREDUCE_JOBS") {
		t.Fatalf("%s was not stored: %s", job, said)
	}
}

// status asks where a job stands; ok: there is an answer that is no error.
func (s shell) status(t *testing.T, id string) (status mapreduce.Status, ok bool) {
	t.Helper()
	said := s.nats(t, "req", "--raw", "jetreduce.api.status", id)
	err := json.Unmarshal(bytes.TrimSpace([]byte(said)), &status)
	return status, err == nil && status.ID != ""
}

func (s shell) awaitEnd(t *testing.T, id string) (status mapreduce.Status) {
	t.Helper()
	processtest.AwaitTrue(t, id+" to end", func() (over bool) {
		status, over = s.status(t, id)
		return over && status.State.Final()
	})
	return status
}

// Promise: a user needs nothing but the nats command: what is stored before a coordinator has ever run is taken up, exactly, once for
// each id; what is bad says why; results are objects.
func TestNatsCommandIsEnough(t *testing.T) {
	t.Parallel()
	s := shell{command: natsCommand(t), cluster: &cluster{Machine: processtest.NewMachine(t)}}
	lines := processtest.Lines(31, 4, 100, 100)
	inputs, err := json.Marshal(processtest.WriteLines(t, lines))
	if err != nil {
		t.Fatal(err)
	}
	s.Bus()
	s.publish(t, fmt.Sprintf(`{"id":"early","program":"wordcount","inputs":%s}`, inputs))
	s.publish(t, fmt.Sprintf(`{"id":"early","program":"wordcount","inputs":%s}`, inputs))
	s.publish(t, fmt.Sprintf(`{"program":"wordcount","inputs":%s}`, inputs))
	s.publish(t, fmt.Sprintf(`{"input":%s,"id":"slip","program":"wordcount"}`, inputs))
	s.publish(t, fmt.Sprintf(`{"id":"rows","program":"grep","args":{"literal":"w"},"inputs":%s}`, inputs))
	s.publish(t, `{"id":`)
	s.Coordinator().Await("decides")
	s.Worker(2)
	for _, id := range []string{"early", "j3"} {
		if status := s.awaitEnd(t, id); status.State != mapreduce.Done {
			t.Errorf("%s: %+v", id, status)
		}
		file := filepath.Join(s.Dir(), id)
		s.nats(t, "object", "get", "jetreduce-out", id, "--output", file, "--no-progress")
		if got, err := os.ReadFile(file); err != nil || string(got) != processtest.Count(lines) {
			t.Errorf("%s has %d bytes, %v", id, len(got), err)
		}
	}
	for id, words := range map[string]string{"slip": `unknown field "input"`, "j6": "it is no JSON"} {
		if status := s.awaitEnd(t, id); status.State != mapreduce.Failed || !strings.Contains(status.Error, words) {
			t.Errorf("%s: %+v", id, status)
		}
	}
	if status := s.awaitEnd(t, "rows"); status.State != mapreduce.Done || status.Rows != int64(len(lines)) {
		t.Errorf("a program without a reduce: %+v", status)
	}
	if list := s.nats(t, "req", "--raw", "jetreduce.api.list", ""); strings.Count(list, `"uid"`) != 5 {
		t.Errorf("five jobs were stored: %s", list)
	}
	s.requests(t, string(inputs))
}

// requests are those that are answered.
func (s shell) requests(t *testing.T, inputs string) {
	t.Helper()
	for _, test := range []struct{ request, body, want string }{
		{"submit", `{"id":"now","program":"wordcount","inputs":` + inputs + `}`, `"state":"queued"`},
		{"submit", `{"id":"now","program":"wordcuont","inputs":["/x"]}`, `Nats-Service-Error: unknown program "wordcuont": did you mean`},
		{"submit", `{"program":"wordcount"}`, "Nats-Service-Error: the job names no input"},
		{"submit", `{"program":"wordcount","inputs":["/x"],"output":"ftp://x"}`, "Nats-Service-Error: output"},
		{"submit", `{"program":"wordcount","inputs":["/x"],"reduces":"2"}`, `field "reduces" is a string: use a whole number`},
		{"submit", `{"id":"held","map":"cat","inputs":` + inputs + `}`, `"id":"held"`},
		{"cancel", "held", `"state":"cancelled"`},
		{"retry", "held", `"id":"held"`},
		{"cancel", "held", `"state":"cancelled"`},
		{"remove", "held", `"id":"held"`},
		{"status", "held", "Nats-Service-Error-Code: 404"},
		{"cancel", "early", "Nats-Service-Error-Code: 409"},
		{"workers", "", `"slots"`},
		{"statsu", "x", "there is no request"},
		{"status", "", "say which"},
	} {
		if said := s.nats(t, "req", "jetreduce.api."+test.request, test.body); !strings.Contains(said, test.want) {
			t.Errorf("%s %s: %s, want %s", test.request, test.body, said, test.want)
		}
	}
	for _, test := range []struct{ args, want string }{
		{"service ls", "jetreduce"}, {"service info jetreduce", "jetreduce.api.submit"}, {"service stats jetreduce", "Errors"},
		{"stream ls", "JETREDUCE_TASKS"}, {"kv ls", "jetreduce-state"}, {"kv get jetreduce-state epoch", "epoch"}, {"object ls", "jetreduce-out"},
	} {
		if said := s.nats(t, strings.Fields(test.args)...); !strings.Contains(said, test.want) {
			t.Errorf("nats %s: %s", test.args, said)
		}
	}
}

// Promise: events tell each state that a job enters, and how far it is.
func TestNatsCommandFollowsAJob(t *testing.T) {
	t.Parallel()
	s := shell{command: natsCommand(t), cluster: newCluster(t, false, 1)}
	s.Worker(2)
	gate, lines := processtest.NewGate(t), processtest.Lines(32, 2, 100, 100)
	text, err := json.Marshal(gatedJob(t, "followed", gate, lines))
	if err != nil {
		t.Fatal(err)
	}
	s.nats(t, "req", "jetreduce.api.submit", string(text))
	gate.AwaitAttempts(mapreduce.Map, 2, nil)
	events := s.follow(t, "followed")
	awaitEvent(t, events, "mapping", func(e mapreduce.Status) bool { return e.State == mapreduce.Mapping && e.Maps.Total == 2 })
	gate.Open(mapreduce.Map)
	awaitEvent(t, events, "reducing", func(e mapreduce.Status) bool {
		return e.State == mapreduce.Reducing && e.Maps.Done == 2 && e.Reduces.Total == 2
	})
	gate.Open(mapreduce.Reduce)
	awaitEvent(t, events, "done", func(e mapreduce.Status) bool { return e.State == mapreduce.Done && e.Rows > 0 && !e.Ended.IsZero() })
}

// follow hears the events of a job until the test ends.
func (s shell) follow(t *testing.T, id string) *bufio.Scanner {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.command, "--server", s.URL(), "sub", "--raw", "jetreduce.events."+id+".>")
	cmd.Env = []string{"HOME=" + filepath.Join(s.Dir(), "home")}
	said, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it listens for ever
		_ = cmd.Wait()
	})
	return bufio.NewScanner(said)
}

// awaitEvent waits for an event; while the job goes on there is one four times a second.
func awaitEvent(t *testing.T, events *bufio.Scanner, what string, is func(mapreduce.Status) bool) {
	t.Helper()
	for events.Scan() {
		var event mapreduce.Status
		if len(bytes.TrimSpace(events.Bytes())) == 0 {
			continue
		}
		if err := json.Unmarshal(events.Bytes(), &event); err != nil {
			t.Fatalf("%s: %v", events.Bytes(), err)
		}
		if is(event) {
			return
		}
	}
	t.Fatalf("the events ended before one was %s: %v", what, events.Err())
}
