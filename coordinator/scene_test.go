package coordinator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// scene is one leader on a stage: events go in, what it commands is compared with the script.
type scene struct {
	t     *testing.T
	state *coordinator.State
	now   time.Time
	skew  time.Duration // how far the bus's clock is ahead
	seq   uint64        // of the last message in the queue
	idler bool          // a worker of another class is there, without which nothing is queued
}

func newScene(t *testing.T, config coordinator.Config) *scene {
	if config.Epoch == 0 {
		config.Epoch = 7
	}
	return &scene{t: t, state: coordinator.NewState(config), now: time.Unix(1000, 0).UTC()}
}

// leading is a scene whose leader has nothing to take over.
func leading(t *testing.T, config coordinator.Config) *scene {
	s := newScene(t, config)
	s.on(mapreduce.Replayed{}, ``)
	s.idler = true
	s.wait(0)
	return s
}

// on hands in an event and compares the commands with the script: one a line, in order.
func (s *scene) on(event mapreduce.Event, script string) {
	s.t.Helper()
	if diff := cmp.Diff(lines(script), s.step(event)); diff != "" {
		s.t.Fatalf("on %T%+v (-wanted +commanded):\n%s", event, event, diff)
	}
}

// play hands in events whose commands do not matter here.
func (s *scene) play(events ...mapreduce.Event) {
	for _, event := range events {
		s.step(event)
	}
}

// step hands in an event, and then that all tasks queued by it stand in the queue.
func (s *scene) step(event mapreduce.Event) (commanded []string) {
	for _, command := range s.state.Step(s.now, event) {
		switch command.(type) {
		case coordinator.KeepTimeline, coordinator.DropTimeline:
			continue // nothing is decided by pictures: timeline_test.go looks at them
		}
		commanded = append(commanded, shown(command))
		if enqueue, ok := command.(coordinator.Enqueue); ok {
			for _, task := range enqueue.Tasks {
				s.seq++
				s.state.Step(s.now, mapreduce.TaskQueued{Task: task.ID, Round: task.Round, Seq: s.seq})
			}
		}
	}
	return commanded
}

func (s *scene) wait(d time.Duration) {
	s.now = s.now.Add(d)
	if s.idler {
		s.step(mapreduce.Beat{Version: 1, Worker: "idler", Slots: map[mapreduce.Class]int{"other": 1}})
	}
}

// ticks lets n ticks pass in which nothing is heard but the idler.
func (s *scene) ticks(n int) {
	for range n {
		s.wait(250 * time.Millisecond)
		s.step(mapreduce.Tick{})
	}
}

func lines(script string) (wanted []string) {
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" {
			wanted = append(wanted, line)
		}
	}
	return wanted
}

// shown is a command as scripts write it.
func shown(command coordinator.Command) string {
	switch c := command.(type) {
	case coordinator.WriteRecord:
		return shownRecord(c.Record)
	case coordinator.WriteFailure:
		return fmt.Sprintf("lost %s by %s", short(c.Failure.Task), c.Failure.Attempt)
	case coordinator.WriteEnd:
		return fmt.Sprintf("end %s: %s", c.End.State, c.End.Reason)
	case coordinator.Enqueue:
		text := "enqueue"
		for _, task := range c.Tasks {
			text += " " + short(task.ID)
		}
		return text
	case coordinator.MakeLanes:
		return fmt.Sprintf("make %d lanes", len(c.Lanes))
	case coordinator.MakeBucket:
		return "make bucket " + c.Target.To
	case coordinator.DropLanes:
		return fmt.Sprintf("drop %d lanes", len(c.Lanes))
	case coordinator.StoreRoster:
		return fmt.Sprintf("store roster of %s", c.Task.Phase)
	}
	return shownToUsers(command)
}

func shownRecord(r mapreduce.Record) string {
	switch {
	case r.Repair != nil:
		repair := fmt.Sprintf("record repair %d: %s %s for %s", r.Repair.Generation, r.Repair.Phase, r.Repair.Tasks, r.Repair.Partitions)
		return strings.TrimSpace(repair)
	case r.Quarantine != nil:
		return fmt.Sprintf("record quarantine %d: %d", r.Quarantine.Part, len(r.Quarantine.Records))
	case r.Swept && r.Spec == nil:
		return fmt.Sprintf("record %s, swept", r.State)
	}
	return strings.TrimSpace(fmt.Sprintf("record %s %s", r.State, r.Error))
}

func shownToUsers(command coordinator.Command) string {
	switch c := command.(type) {
	case coordinator.Accept:
		return fmt.Sprintf("accept %d", c.Seq)
	case coordinator.OpenQueue:
		return strings.TrimSuffix(fmt.Sprintf("open the queue of %s in %s", c.Class, c.Pool), " in default")
	case coordinator.CloseQueue:
		return strings.TrimSuffix(fmt.Sprintf("close the queue of %s in %s", c.Class, c.Pool), " in default")
	case coordinator.HandOn:
		return "hand on " + c.Receipt
	case coordinator.Withdraw:
		return fmt.Sprintf("withdraw %v", c.Seqs)
	case coordinator.Tell:
		return fmt.Sprintf("tell %s %s", c.Status.UID, c.Status.State)
	case coordinator.Reject:
		return fmt.Sprintf("reject %d: %s", c.Seq, c.Reason)
	case coordinator.Answer:
		return fmt.Sprintf("answer %s: %s", c.Reply, shownAnswer(c.Answer))
	case coordinator.Link:
		return fmt.Sprintf("link %s to %s", c.Job, c.UID)
	case coordinator.Unlink:
		return fmt.Sprintf("unlink %s from %s", c.Job, c.UID)
	case coordinator.Dismiss:
		if c.Over.Task != nil {
			return fmt.Sprintf("dismiss %s", short(*c.Over.Task))
		}
		return fmt.Sprintf("dismiss %s", c.Over.UID)
	case coordinator.Forget:
		return fmt.Sprintf("forget %s, whole: %t", c.UID, c.Whole)
	case coordinator.ReadClock:
		return "read the clock"
	case coordinator.Erase:
		return fmt.Sprintf("erase %s", c.UID)
	case coordinator.SweepLanes:
		return fmt.Sprintf("sweep the lanes of %d", len(c.Ended))
	case coordinator.MakeUpload:
		return fmt.Sprintf("make upload %s for %s", c.Upload, c.Reply)
	case coordinator.KeepUploads:
		return fmt.Sprintf("keep uploads %v", c.Uploads)
	case coordinator.DropUploads:
		return fmt.Sprintf("drop uploads %v", c.Uploads)
	}
	return fmt.Sprintf("unknown command %T", command)
}

func shownAnswer(a mapreduce.Answer) string {
	switch {
	case a.Error != "":
		return a.Error
	case a.Status != nil:
		return string(a.Status.State)
	case a.Jobs != nil:
		return fmt.Sprintf("%d jobs", len(a.Jobs.Jobs))
	case a.Workers != nil:
		return fmt.Sprintf("%d workers", len(a.Workers))
	case a.Quarantine != nil:
		return fmt.Sprintf("left out %v", *a.Quarantine)
	}
	return "nothing"
}

// short is a task as scripts write it; its generation only if it is not the first.
func short(id mapreduce.TaskID) string {
	if id.Generation > 1 {
		return fmt.Sprintf("%s.%d.%d", id.Phase, id.N, id.Generation)
	}
	return fmt.Sprintf("%s.%d", id.Phase, id.N)
}

func task(phase mapreduce.Phase, n int) mapreduce.TaskID {
	return mapreduce.TaskID{UID: "u1", Phase: phase, N: n, Generation: 1}
}

func attempt(worker mapreduce.WorkerID, n uint32) mapreduce.Attempt {
	return mapreduce.Attempt{Worker: worker, N: n}
}

func submitted(seq uint64, job mapreduce.Job) mapreduce.Submitted {
	return mapreduce.Submitted{Seq: seq, UID: mapreduce.UID(fmt.Sprintf("u%d", seq)), Job: job}
}

// count is a job with R = 2.
func count() mapreduce.Job {
	return mapreduce.Job{
		ID: "count", Program: "wordcount", Inputs: []string{"/in"}, Reduces: 2, Output: mapreduce.Target{To: "file:///out"},
	}
}

func committed(phase mapreduce.Phase, n int) mapreduce.Commit {
	return mapreduce.Commit{Version: 1, Task: task(phase, n), Attempt: attempt("w", uint32(n+1))}
}

// planned is the commit of a plan of so many splits.
func planned(splits int) mapreduce.Commit {
	c := committed(mapreduce.Plan, 0)
	c.Plan = &mapreduce.PlanSummary{Splits: splits, Bytes: 100, Inputs: 1, Firsts: []int{0}}
	return c
}

func failed(phase mapreduce.Phase, n int, by uint32) mapreduce.Failure {
	return mapreduce.Failure{Version: 1, Task: task(phase, n), Attempt: attempt("f", by), Careful: true, Reason: "exit status 3"}
}

func done() mapreduce.End {
	return mapreduce.End{Version: 1, UID: "u1", State: mapreduce.Done, Attempt: attempt("w", 1), Digest: 1}
}

// beat is a heartbeat of a worker with one slot that runs these tasks, as its attempts 1, 2, …
func beat(worker mapreduce.WorkerID, running ...mapreduce.TaskID) mapreduce.Beat {
	b := mapreduce.Beat{Version: 1, Worker: worker, Host: "h", Slots: map[mapreduce.Class]int{"builtin": 1}}
	for i, id := range running {
		b.Running = append(b.Running, mapreduce.Running{
			Task: id, Attempt: attempt(worker, uint32(i+1)), Receipt: fmt.Sprintf("receipt of %s", short(id)),
		})
	}
	return b
}
