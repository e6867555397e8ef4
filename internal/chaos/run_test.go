package chaos

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jetreduce/internal/processtest"
)

// config is what runs of tests have in common.
func config() Config { return Config{Limit: processtest.Limit, Out: io.Discard} }

// plan is a small job and these faults.
func plan(topology Topology, faults ...Fault) Plan {
	return Plan{
		Seed: 1, Topology: topology, Proxied: true, Faults: faults,
		Jobs: []JobPlan{{
			ID: "job", Program: "wordcount", Each: 500 * time.Millisecond, Files: 2, Bytes: 200_000, Split: 10_000, Reduces: 2,
			Victim: 500 * time.Millisecond,
		}},
	}
}

func mustPerform(t *testing.T, plan Plan) Report {
	t.Helper()
	report, err := perform(t.Context(), t.TempDir(), plan, config())
	if err != nil {
		t.Fatal(err)
	}
	if t.Log(report); t.Failed() || len(report.Wrong) > 0 {
		t.Log(report.Log)
	}
	return report
}

// Promise: a run does what its plan says, and finds a job exact that is.
func TestRunThroughFaultsIsExact(t *testing.T) {
	const at = 800 * time.Millisecond
	for topology, faults := range map[Topology][]Fault{
		Bus: {
			{At: at, Kind: KillWorker, Pick: 1}, {At: at, Kind: KillLeader, Pick: 1}, {At: 2 * at, Kind: Cut, For: at, Pick: 5},
			{At: 2 * at, Kind: StopCoordinator, Pick: 2}, {At: 3 * at, Kind: PauseWorker, For: at}, {At: 3 * at, Kind: StopBus},
		},
		Hosted: {{At: at, Kind: PauseWorker, For: at}, {At: at, Kind: KillBus}, {At: 2 * at, Kind: KillAll}},
	} {
		t.Run(string(topology), func(t *testing.T) {
			t.Parallel()
			report := mustPerform(t, plan(topology, faults...))
			if len(report.Wrong) > 0 {
				t.Errorf("wrong: %q", report.Wrong)
			}
			for _, f := range append(faults, Fault{Kind: KillClient}) {
				if report.Counts[f.Kind] != 1 {
					t.Errorf("%s was done %d times", f.Kind, report.Counts[f.Kind])
				}
			}
		})
	}
}

// Promise: a job that does not end is found, after its limit.
func TestHangIsFound(t *testing.T) {
	t.Parallel()
	p := plan(Bus)
	p.Jobs[0].Each, p.Jobs[0].Victim = time.Hour, 0
	c := config()
	c.Limit = 2 * time.Second
	report, err := perform(t.Context(), t.TempDir(), p, c)
	if err != nil || len(report.Wrong) == 0 || !strings.Contains(report.Wrong[0], "has not ended") {
		t.Errorf("wrong: %q, %v", report.Wrong, err)
	}
}

// Promise: a process that ends by itself is found, whatever becomes of the jobs.
func TestProcessThatEndsByItselfIsFound(t *testing.T) {
	t.Parallel()
	j, err := newJournal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	home, err := processtest.NewHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{home: home, journal: j, said: map[string]said{}, changed: make(chan struct{})}
	if err := os.Mkdir(filepath.Join(home.Dir, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := c.addClient(&member{name: "worker-1", role: worker}, []string{"worker", "--slots", "0"}); err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	<-c.members[0].life.watched
	if wrong := j.complaints(); len(wrong) != 1 || !strings.Contains(wrong[0], "has ended by itself") {
		t.Errorf("wrong: %q", wrong)
	}
}

// Promise: what is left beside a result is found, and so is a result that differs.
func TestLeftoverAndDifferenceAreFound(t *testing.T) {
	j := &job{dir: t.TempDir(), want: []byte("right")}
	for _, c := range []struct{ name, content, wrong string }{
		{"target.tsv", "right", ""}, {"kept.tsv", "right", ""}, {"kept.tsv", "wrong", "want 5"}, {"kept.tsv", "right", ""},
		{".target.tsv.draft", "", "left over"},
	} {
		if err := os.WriteFile(filepath.Join(j.dir, c.name), []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		err := j.verifyDir()
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s with %q: %v, want %q", c.name, c.content, err, c.wrong)
		}
	}
}

func TestSpreadOfTimes(t *testing.T) {
	var took []time.Duration
	for n := range 20 {
		took = append(took, time.Duration(20-n)*time.Second)
	}
	if got, want := spread(took), "20 trials  p50 10.00 s  p95 19.00 s  max 20.00 s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
