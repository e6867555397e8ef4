package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"jetreduce/client"
	"jetreduce/internal/clustertest"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
)

// play is a system, and a job on it whose maps wait at a gate.
type play struct {
	*clustertest.System
	t      *testing.T
	ctx    context.Context
	gate   *clustertest.Gate
	job    mapreduce.Job
	result string
	want   string
}

func newPlay(t *testing.T, setup clustertest.Setup) *play {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), clustertest.Limit)
	t.Cleanup(cancel)
	p := &play{t: t, ctx: ctx, gate: clustertest.NewGate(), result: filepath.Join(t.TempDir(), "result")}
	setup.Programs = append(setup.Programs, p.gate.Program())
	p.System = clustertest.Start(t, setup)
	texts, want := words(8)
	p.want = want
	p.job = mapreduce.Job{
		ID: "job", Program: "gated", Inputs: clustertest.WriteFiles(t, texts...), SplitSize: 1, Reduces: 2,
		Output: mapreduce.Target{To: output.URL(p.result)},
	}
	return p
}

// words makes texts, and what a sequential count of their words is.
func words(files int) (texts []string, want string) {
	counts := map[string]int{}
	for i := range files {
		var text strings.Builder
		for j := range 50 {
			word := fmt.Sprintf("w%c", 'a'+(i*7+j*j)%26)
			counts[word]++
			fmt.Fprintln(&text, word)
		}
		texts = append(texts, text.String())
	}
	for _, word := range slices.Sorted(maps.Keys(counts)) {
		want += fmt.Sprintf("%s\t%d\n", word, counts[word])
	}
	return texts, want
}

// begin submits the job, and waits until some of its maps stand at the gate.
func (p *play) begin(maps int) {
	p.t.Helper()
	_, err := client.Submit(p.ctx, p.Clients[0].Bus().Desk(), p.job)
	for errors.Is(err, mapreduce.ErrNoLeader) { // it is stored; twice the same is one job
		_, err = client.Submit(p.ctx, p.Clients[0].Bus().Desk(), p.job)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	for range maps {
		select {
		case <-p.gate.Began:
		case <-p.ctx.Done():
			p.t.Fatal("no map begins")
		}
	}
}

// exact waits for the end of the job as one client sees it, and compares with a sequential run.
func (p *play) exact(who *clustertest.Role) mapreduce.Status {
	p.t.Helper()
	status, err := client.Watch(p.ctx, who.Bus().Desk(), p.job.ID, client.View{})
	if err != nil {
		p.t.Fatal(err)
	}
	content, err := os.ReadFile(p.result)
	if status.State != mapreduce.Done || err != nil || string(content) != p.want {
		p.t.Errorf("the job is %s (%s), its output %q, error %v; want %q", status.State, status.Error, content, err, p.want)
	}
	if status.Attempts.Failed > 0 {
		p.t.Errorf("%d attempts count as failed: nothing was the program's fault", status.Attempts.Failed)
	}
	return status
}

// awaits waits until a role says something, about this epoch or a later one.
func (p *play) awaits(role *clustertest.Role, message string, epoch mapreduce.Epoch) {
	p.t.Helper()
	p.Await(fmt.Sprintf("%s says %q", role.Name, message), func(said clustertest.Said) bool {
		return said.Role == role.Name && said.Message == message && said.Epoch >= epoch
	})
}

// Whether the leader is cut off or frozen: another leads, what the first one writes is refused, and it stands by.
func TestLeaderOutOfReachIsDeposedAndStandsBy(t *testing.T) {
	for how, strike := range map[string]func(*clustertest.Role){
		"isolated": (*clustertest.Role).Isolate, "paused": (*clustertest.Role).Pause,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t, clustertest.Setup{Coordinators: 2, Workers: 1, Clients: 1})
			first, epoch := p.Leader(0)
			p.begin(1)
			strike(first)
			second, later := p.Leader(epoch)
			if second == first {
				t.Fatalf("%s leads again, and nobody reaches it", first.Name)
			}
			first.Heal()
			p.awaits(first, "deposed", epoch)
			p.awaits(first, "stands by", later)
			record := mapreduce.Record{Version: mapreduce.RecordVersion, UID: "late", Job: "late", State: mapreduce.Mapping}
			if err := first.Bus().Journal(epoch).Write(p.ctx, record); !errors.Is(err, mapreduce.ErrDeposed) {
				t.Errorf("what the deposed leader writes is answered with %v", err)
			}
			p.gate.Open()
			p.exact(p.Clients[0])
		})
	}
}

func TestKilledLeaderIsReplacedAndComesBack(t *testing.T) {
	t.Parallel()
	p := newPlay(t, clustertest.Setup{Coordinators: 2, Workers: 1, Clients: 1})
	first, epoch := p.Leader(0)
	p.begin(1)
	first.Kill()
	second, later := p.Leader(epoch)
	if second == first {
		t.Fatal("the dead lead")
	}
	first.Restart()
	p.awaits(first, "stands by", later)
	second.Kill()
	if third, _ := p.Leader(later); third != first {
		t.Fatalf("%s leads, and it is dead", third.Name)
	}
	p.gate.Open()
	p.exact(p.Clients[0])
}

// A worker is out of reach for longer than the queue is patient. The others do its tasks, and what it does when it is back
// changes nothing.
func TestWorkerOutOfReachChangesNothing(t *testing.T) {
	type role = clustertest.Role
	for how, acts := range map[string][2]func(*role){
		"isolated": {(*role).Isolate, nil}, // it is back when all is over
		"paused":   {(*role).Pause, (*role).Heal},
		"killed":   {(*role).Kill, (*role).Restart},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t, clustertest.Setup{Coordinators: 1, Workers: 2, Clients: 1})
			p.begin(4) // both workers' slots
			victim := p.Workers[0]
			acts[0](victim)
			p.gate.Open()
			p.exact(p.Clients[0])
			if again := len(p.gate.Began) - (len(p.job.Inputs) - 4); again < 2 {
				t.Errorf("%d maps ran again, and two were out of reach", again)
			}
			if comesBack := acts[1]; comesBack != nil {
				comesBack(victim)
				p.again(victim, p.Workers[1])
			}
		})
	}
}

// again runs the job once more, on a worker that is back: the other one is killed.
func (p *play) again(worker, other *clustertest.Role) {
	p.t.Helper()
	other.Kill()
	p.job.ID, p.result = "again", p.result+"-again"
	p.job.Output.To = output.URL(p.result)
	p.begin(0)
	if p.exact(p.Clients[0]).State != mapreduce.Done {
		p.t.Errorf("%s does not work any more", worker.Name)
	}
}

func TestJobGoesOnWithoutItsClient(t *testing.T) {
	t.Parallel()
	p := newPlay(t, clustertest.Setup{Coordinators: 1, Workers: 1, Clients: 2})
	p.begin(1)
	p.Clients[0].Isolate()
	p.gate.Open()
	p.exact(p.Clients[1])
	p.Clients[0].Heal()
	p.exact(p.Clients[0])
}

// Everybody is cut off from the bus until all have noticed: nobody leads twice, and the job goes on.
func TestBusOutOfReachForAllIsWaitedFor(t *testing.T) {
	for how, strike := range map[string]func(*clustertest.Role){
		"isolated": (*clustertest.Role).Isolate, "paused": (*clustertest.Role).Pause,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t, clustertest.Setup{Coordinators: 2, Workers: 2, Clients: 1})
			leader, epoch := p.Leader(0)
			p.begin(4)
			all := slices.Concat(p.Coordinators, p.Workers, p.Clients)
			for _, role := range all {
				strike(role)
			}
			p.noticed(leader)
			p.gate.Open()
			for _, role := range all {
				role.Heal()
			}
			p.exact(p.Clients[0])
			if status, err := p.Clients[0].Bus().Desk().Ask(p.ctx, p.job.ID); err != nil || status.Epoch < epoch {
				t.Errorf("after that %v, error %v", status, err)
			}
		})
	}
}

// noticed waits until all coordinators have noticed that the bus is away.
func (p *play) noticed(leader *clustertest.Role) {
	p.t.Helper()
	for _, c := range p.Coordinators {
		message := "cannot see who leads: waits for the bus"
		if c == leader {
			message = "lease not renewed: goes on leading and trying"
		}
		p.awaits(c, message, 0)
	}
}

func TestServerThatIsRestartedForgetsNothing(t *testing.T) {
	t.Parallel()
	p := newPlay(t, clustertest.Setup{Coordinators: 2, Workers: 2, Clients: 1})
	p.begin(4)
	p.RestartServer()
	p.gate.Open()
	p.exact(p.Clients[0])
}
