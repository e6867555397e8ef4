package processtest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"jetreduce/internal/original"
	"jetreduce/internal/processtest"
)

// Promise: yesterday's result does not answer today, and is replaced.
func TestOneJobStartedAgainCountsAgain(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(7, 30, 100, 300))
	p.hire(2, original.Worker{})
	p.exact(p.coordinator(serves))
	if err := os.WriteFile(p.out, []byte("yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.lines = processtest.Lines(8, 40, 100, 300)
	if err := os.WriteFile(p.args[1], []byte(strings.Join(p.lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	p.exact(p.coordinator(serves))
}

// Promise: a backup that is started when the job is nearly done ends with it, and counts nothing again.
func TestLateBackupEndsWithTheJob(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(9, 30, 100, 300))
	gate := p.turnstile(3)
	stop := p.hire(1, original.Worker{Heard: gate.pass})
	leader := p.coordinator(serves)
	gate.awaitFull()
	late := p.OneJob(p.args...) // it has begun; whether it has seen the job unfinished is left to chance
	gate.open()
	if code := leader.Exit(); code != 0 {
		t.Errorf("%s exited with %d", leader, code)
	}
	stop() // who would count again, has nobody
	p.exact(late)
}

// Promise: where the result goes is each process's own matter: a file of its own, the same file, standard output.
func TestEachCoordinatorWritesItsOwnOutput(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(17, 60, 100, 300))
	gate := p.turnstile(3)
	p.hire(1, original.Worker{Heard: gate.pass})
	leader := p.coordinator(serves)
	gate.awaitFull()
	other := filepath.Join(p.Dir(), "other.csv")
	if err := os.WriteFile(other, []byte("of yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	own, same, shown := p.OneJob(p.with("-o", other)...), p.OneJob(p.args...), p.OneJob(p.with("-o", "-")...)
	p.awaitBackups(leader, 3)
	gate.open()
	p.exact(leader, own, same)
	p.exactIn(other)
	p.exactly(shown.Output())
	left, err := os.ReadDir(p.Dir())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if entry.Name() == "-" || strings.Contains(entry.Name(), ".jetreduce-") {
			t.Errorf("%s was left", entry.Name())
		}
	}
}

// awaitBackups waits until so many stand by for one that serves.
func (p *port) awaitBackups(leader *processtest.Process, n int) {
	p.t.Helper()
	processtest.AwaitTrue(p.t, "backups", func() bool {
		found := 0
		for _, line := range p.Lines() {
			if line.Process == leader && line.Message == stands {
				found++
			}
		}
		return found >= n
	})
}

// Promise: an unfinished job goes on when it is started again, wherever its result is to go.
func TestUnfinishedJobGoesOnWithAnotherOutput(t *testing.T) {
	t.Parallel()
	p := openPort(t, 512, processtest.Lines(18, 200, 100, 3000))
	gate := p.turnstile(20)
	p.hire(2, original.Worker{Heard: gate.pass})
	leader := p.coordinator(serves)
	gate.awaitFull()
	before := p.uid()
	leader.Kill()
	gate.turn()
	p.out = filepath.Join(p.Dir(), "other.csv")
	again := p.OneJob(p.with("-o", p.out)...)
	again.Await(serves)
	gate.awaitFull()
	if now := p.uid(); now != before {
		t.Errorf("submission %s was given up for %s", before, now)
	}
	gate.open()
	p.exact(again)
}

// Promise: a process that cannot write its output says so, and no other has to suffer.
func TestOutputThatCannotBeWrittenFailsItsProcessAlone(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(19, 60, 100, 300))
	gate := p.turnstile(3)
	p.hire(1, original.Worker{Heard: gate.pass})
	dir := filepath.Join(p.Dir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	leader := p.OneJob(p.with("-o", filepath.Join(dir, "out.csv"))...)
	leader.Await(serves)
	gate.awaitFull()
	next := p.OneJob(p.args...)
	leader.Await(stands)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	gate.open()
	if code := leader.Exit(); code != 1 {
		t.Errorf("%s exited with %d", leader, code)
	}
	p.exact(next)
}

// Promise: whoever sees the end says what was counted, and where it is.
func TestEndIsSummedUp(t *testing.T) {
	t.Parallel()
	p := openPort(t, 512, []string{"one word and one more\n"})
	leader := p.coordinator(serves)
	next := p.OneJob(p.args...)
	leader.Await(stands)
	leader.Kill()
	next.Await(serves)
	p.hire(1, original.Worker{})
	p.exact(next)
	summed := regexp.MustCompile(`^5 words, 4 distinct, \d+\.\d s → ` + regexp.QuoteMeta(p.out) + "$")
	if !slices.ContainsFunc(p.Lines(), func(l processtest.Line) bool { return l.Process == next && summed.MatchString(l.Message) }) {
		t.Error("nothing is summed up")
	}
}
