package processtest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"jetreduce/bus"
	"jetreduce/internal/original"
	"jetreduce/internal/processtest"
)

// Promise: the leader may be killed once, twice, three times; the next serves the same port, and what was done is not done again.
func TestOriginalWorkersSurviveTheirCoordinators(t *testing.T) {
	for kills := 1; kills <= 3; kills++ {
		t.Run(fmt.Sprintf("%d kills", kills), func(t *testing.T) {
			t.Parallel()
			p := openPort(t, 512, processtest.Lines(4, 300, 100, 3000))
			gate := p.turnstile(10)
			p.hire(4, original.Worker{Heard: gate.pass})
			all := []*processtest.Process{p.coordinator(serves)}
			for range kills {
				all = append(all, p.OneJob(p.args...))
			}
			all[0].Await(stands)
			p.killLeaders(all[0], kills, gate)
			gate.open()
			p.exact(slices.DeleteFunc(all, (*processtest.Process).Ended)...)
		})
	}
}

// killLeaders kills one leader after another, each when the gate is full, and waits until it is full once more.
func (p *port) killLeaders(leader *processtest.Process, kills int, gate *turnstile) {
	p.t.Helper()
	for range kills {
		gate.awaitFull()
		leader.Kill()
		mark := p.Mark()
		gate.turn()
		leader = p.Await(mark, processtest.Said{Message: serves}).Process
	}
	gate.awaitFull()
}

// Promise: an original backup gets updates from which it goes on rightly when all of ours are gone, also from one of ours that has taken
// over from another.
func TestOriginalBackupTakesOverFromAnUpdate(t *testing.T) {
	for name, takeovers := range map[string]int{"of the first": 0, "behind a takeover": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const blob = 1024
			p := openPort(t, blob, processtest.Lines(5, 300, 100, 3000))
			gate := p.turnstile(30) // blobs, of 16 a split: one worker does them in their order
			p.hire(1, original.Worker{Heard: gate.pass})
			leader := p.coordinator(serves)
			for range takeovers {
				next := p.OneJob(p.args...)
				leader.Await(stands)
				gate.awaitFull()
				leader.Kill()
				gate.turn()
				leader = next
				leader.Await(serves)
			}
			gate.awaitFull()
			goOn(t, p, blob, leader, gate)
		})
	}
}

// goOn lets an original backup hear from the leader, kills that, and has the backup count the rest.
func goOn(t *testing.T, p *port, blob int, leader *processtest.Process, gate *turnstile) {
	t.Helper()
	updated, gone := make(chan struct{}, 1), make(chan error, 1)
	backup := &original.Backup{Addr: p.addr, Announce: "127.0.0.1:1", Updated: func(int, []original.Histogram) { poke(updated) }}
	go func() { gone <- backup.Run(t.Context()) }()
	receive(t, updated, "an update")
	leader.Kill()
	gate.open()
	if err := receive(t, gone, "the backup to be left alone"); err != nil {
		t.Fatal(err)
	}
	index, _ := backup.Latest()
	if index == 0 {
		t.Error("the update covers nothing")
	}
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := backup.TakeOver(t.Context(), listener, []byte(strings.Join(p.lines, "")), blob)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the backup went on from blob %d", index)
	checkCounts(t, counts, p.lines)
}

func checkCounts(t *testing.T, counts map[string]int64, lines []string) {
	t.Helper()
	want := map[string]int64{}
	for _, line := range lines {
		for _, word := range strings.Fields(line) {
			want[word]++
		}
	}
	if len(counts) != len(want) {
		t.Errorf("%d words, want %d", len(counts), len(want))
	}
	for word, n := range want {
		if counts[word] != n {
			t.Fatalf("%s: %d, want %d", word, counts[word], n)
		}
	}
}

// Promise: coordinators that are started at once agree on who leads.
func TestCoordinatorsStartedAtOnceCountOnce(t *testing.T) {
	t.Parallel()
	p := openPort(t, 1024, processtest.Lines(13, 60, 100, 300))
	p.hire(2, original.Worker{})
	p.exact(p.OneJob(p.args...), p.OneJob(p.args...), p.OneJob(p.args...))
}

// Promise: a leader that is told to stop says that it was interrupted, and the next goes on.
func TestStoppedCoordinatorHandsOver(t *testing.T) {
	t.Parallel()
	p := openPort(t, 512, processtest.Lines(14, 300, 100, 3000))
	gate := p.turnstile(10)
	p.hire(2, original.Worker{Heard: gate.pass})
	leader := p.coordinator(serves)
	next := p.OneJob(p.args...)
	leader.Await(stands)
	gate.awaitFull()
	if err := leader.Send(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	gate.turn()
	if code := leader.Exit(); code != 130 {
		t.Errorf("exited with %d", code)
	}
	next.Await(serves)
	gate.open()
	p.exact(next)
}

// Promise: a leader that stands still keeps the port, and the next, which knows whose it is, waits until that one is resumed or killed.
func TestPortOfALeaderThatStandsStillIsWaitedFor(t *testing.T) {
	for name, end := range map[string]func(*processtest.Process){
		"resumed": (*processtest.Process).Resume,
		"killed":  func(leader *processtest.Process) { leader.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openPort(t, 512, processtest.Lines(15, 300, 100, 3000))
			p.hostBus()
			gate := p.turnstile(10)
			p.hire(2, original.Worker{Heard: gate.pass})
			leader, next := p.coordinator(serves), p.OneJob(p.args...)
			leader.Await(stands)
			gate.awaitFull()
			leader.Pause()
			gate.turn()
			p.expectWait(next, leader)
			end(leader)
			next.Await(serves)
			gate.open()
			p.exact(next)
			if name == "resumed" {
				p.exact(leader)
			}
		})
	}
}

// expectWait waits until one says that it waits for another, which is named.
func (p *port) expectWait(next, leader *processtest.Process) {
	p.t.Helper()
	waits := next.Await("a coordinator of this port leads no more, and still has it: if it stands still, resume it or kill it")
	if got := fmt.Sprint(waits.Fields["pid"]); got != strconv.Itoa(leader.Pid()) {
		p.t.Errorf("it waits for process %s, not %s", got, leader)
	}
}

// hostBus hosts the bus of the port in this process, so that no coordinator does, until the test ends.
func (p *port) hostBus() {
	p.t.Helper()
	keeper := bus.NewKeeper(bus.KeeperConfig{Store: p.store(), First: "127.0.0.1:0", Private: true, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- keeper.Run(ctx) }()
	p.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			p.t.Error(err)
		}
	})
	if _, err := keeper.URL(ctx); err != nil {
		p.t.Fatal(err)
	}
}
