package scale

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// Takeover is what it costs to take a job over whose maps have committed but for the last window.
type Takeover struct {
	Config  Config
	Records int
	Bytes   int           // of them, as JSON
	Decode  time.Duration // to read the JSON
	Replay  time.Duration // to take the records in
	Lead    time.Duration // from the barrier until it has heard all workers and queues the first tasks, but for waiting
	Queued  int           // those tasks
	Heap    int           // bytes that the state takes with all records
	Leading int           // and with all workers and the first tasks
}

// TakeOver measures a coordinator that is started, reads all records, and leads.
func TakeOver(config Config) Takeover {
	runtime.LockOSThread() // whose time is measured
	defer runtime.UnlockOSThread()
	t := &takeover{
		Takeover: Takeover{Config: config.withDefaults()}, rng: rand.New(rand.NewPCG(config.Seed, 0x6a6f62)),
		now: time.Unix(0, 0).UTC(), clock: newMeter().clock,
	}
	before := inUse()
	t.state = coordinator.NewState(coordinator.Config{Epoch: 2, Class: class})
	t.read()
	t.Heap = inUse() - before
	t.lead()
	t.Leading = inUse() - before
	runtime.KeepAlive(t.state)
	return t.Takeover
}

type takeover struct {
	Takeover
	rng   *rand.Rand
	state *coordinator.State
	now   time.Time
	clock time.Duration // what it takes to look at the clock
}

// read hands in all records, each as it comes from the bus.
func (t *takeover) read() {
	spec := t.Config.job()
	reduces := max(1, min(t.Config.Workers*t.Config.Slots, mapreduce.MaxPartitions))
	for _, r := range []mapreduce.Record{
		{State: mapreduce.Queued, Seq: 1, Spec: &spec}, {State: mapreduce.Planning}, {State: mapreduce.Mapping, Reduces: reduces},
	} {
		r.Version, r.UID, r.Job, r.At = mapreduce.RecordVersion, uid, spec.ID, t.now
		record := through[mapreduce.Record](t, r)
		t.Replay += t.step(mapreduce.Restored{Record: record})
	}
	t.Replay += t.step(through[mapreduce.Commit](t, t.Config.plan(t.someone())))
	window := max(16, 3*t.Config.Workers*t.Config.Slots)
	for n := range t.Config.Splits - min(window, t.Config.Splits/2) {
		id := mapreduce.TaskID{UID: uid, Phase: mapreduce.Map, N: n, Generation: 1}
		c := committedBy(id, t.someone(), t.Config.Task, mapreduce.Digest(t.rng.Uint64()))
		t.Replay += t.step(through[mapreduce.Commit](t, c))
	}
}

// through is a record that has gone over the bus: its strings are its own.
func through[T any](t *takeover, v T) (read T) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own
	}
	t.Records++
	t.Bytes += len(text)
	began := cpu()
	err = json.Unmarshal(text, &read)
	t.Decode += cpu() - began - t.clock
	if err != nil {
		panic(err)
	}
	return read
}

func (t *takeover) someone() mapreduce.Attempt {
	return mapreduce.Attempt{Worker: t.worker(t.rng.IntN(t.Config.Workers)), N: t.rng.Uint32N(1 << 16)}
}

func (t *takeover) worker(i int) mapreduce.WorkerID {
	return mapreduce.WorkerID(fmt.Sprintf("w%06x1", i))
}

// lead takes in the barrier, hears all workers, and waits until it may queue.
func (t *takeover) lead() {
	t.Lead = t.step(mapreduce.Replayed{})
	for i := range t.Config.Workers {
		slots := map[mapreduce.Class]int{class: t.Config.Slots, mapreduce.IO: 1}
		t.Lead += t.step(mapreduce.Beat{Version: mapreduce.RecordVersion, Worker: t.worker(i), Host: "host", Slots: slots})
	}
	t.now = t.now.Add(2 * time.Second)
	t.Lead += t.step(mapreduce.Tick{})
}

func (t *takeover) step(event mapreduce.Event) time.Duration {
	began := cpu()
	commands := t.state.Step(t.now, event)
	took := cpu() - began - t.clock
	for _, command := range commands {
		if queued, is := command.(coordinator.Enqueue); is {
			t.Queued += len(queued.Tasks)
		}
	}
	return took
}

// inUse is the bytes that are in use, and nothing else.
func inUse() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first has freed, and was waiting to be swept
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
