package web

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// scene is a system as one sees it on a busy day.
func scene(now time.Time) *fakeDesk {
	d := &fakeDesk{vitals: sceneVitals(now), members: sceneMembers(now), timeline: sceneTimeline(now)}
	d.list.Jobs = sceneJobs(now, d.timeline.Job)
	d.list.More = 311
	return d
}

func sceneVitals(now time.Time) mapreduce.Vitals {
	phase := func(p mapreduce.Phase, queued, running int, committed, failed, lost int64) mapreduce.PhaseVitals {
		return mapreduce.PhaseVitals{
			Phase: p, Queued: queued, Running: running, Committed: committed, Failed: failed, Lost: lost, Speculative: lost,
			Repeated: lost / 2, Took: time.Duration(committed) * 812 * time.Millisecond,
		}
	}
	return mapreduce.Vitals{
		Epoch: 1207, Leader: "node-a-k3f9qz", Since: now.Add(-47 * time.Minute),
		Jobs: map[mapreduce.State]int{
			mapreduce.Queued: 2, mapreduce.Mapping: 1, mapreduce.Reducing: 1, mapreduce.Done: 341, mapreduce.Failed: 4, mapreduce.Cancelled: 2,
		},
		Tasks: []mapreduce.PhaseVitals{
			phase(mapreduce.Plan, 0, 0, 349, 2, 0), phase(mapreduce.Map, 112, 7, 48211, 19, 6), phase(mapreduce.Reduce, 4, 3, 2109, 1, 2),
			phase(mapreduce.Finish, 0, 0, 341, 0, 0),
		},
		Queues: []mapreduce.QueueVitals{
			{Pool: "default", Class: "builtin-1", Waiting: 112, Oldest: 9 * time.Second}, {Pool: "default", Class: "io"},
			{Pool: "gpu", Class: "exec", Waiting: 4, Oldest: 210 * time.Second},
		},
		Vacant: []mapreduce.VacancyVitals{
			{Pool: "lab", Class: "builtin-1", Jobs: 2, Oldest: 9 * time.Minute}, {Pool: "default", Class: "own-5", Jobs: 1, Oldest: time.Minute},
		},
		Bytes:   mapreduce.ByteCounts{In: 812_400_000_000, Shuffled: 96_100_000_000, Out: 4_210_000_000},
		Workers: 6, Slots: map[mapreduce.Class]int{"builtin-1": 12, "exec": 4, "io": 6},
		Busy: map[mapreduce.Class]int{"builtin-1": 10, "exec": 0},
		Lost: 2, Ended: map[mapreduce.State]int64{mapreduce.Done: 341, mapreduce.Failed: 4, mapreduce.Cancelled: 2},
	}
}

func sceneMembers(now time.Time) []mapreduce.Member {
	var members []mapreduce.Member
	for i := range 6 {
		m := mapreduce.Member{
			Worker: mapreduce.WorkerID(fmt.Sprintf("w%c4k2qx%d", 'a'+i, i)), Host: fmt.Sprintf("rack%d-node%02d.example", i/2, i),
			Slots: map[mapreduce.Class]int{"builtin-1": 2, "io": 1}, Silent: 0.4,
		}
		for n := range min(i, 2) {
			m.Running = append(m.Running, mapreduce.Running{
				Task:   mapreduce.TaskID{UID: "u7kd0m2pqx", Phase: mapreduce.Map, N: 40 + 2*i + n, Generation: 1},
				Since:  now.Add(-time.Duration(i+1) * 1700 * time.Millisecond),
				Status: []string{"", "page 312 of 5,000"}[n],
			})
		}
		members = append(members, m)
	}
	members[5].Silent = 4.2
	return members
}

func sceneJobs(now time.Time, first mapreduce.Status) []mapreduce.Status {
	jobs := []mapreduce.Status{first}
	programs := []string{"wordcount", "grep", "sort", "index", "python3 sessions.py"}
	luck := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		at := now.Add(-time.Duration(i*7+3) * time.Minute)
		maps := 20 + luck.IntN(4000)
		j := mapreduce.Status{
			ID: mapreduce.JobID(fmt.Sprintf("nightly-%03d", 340-i)), UID: "u", State: mapreduce.Done, Program: programs[i%5],
			Maps: mapreduce.Progress{Total: maps, Done: maps}, Reduces: mapreduce.Progress{Total: 8, Done: 8}, Rows: luck.Int64N(9_000_000),
			Since: at, Ended: at.Add(time.Duration(luck.IntN(400)) * time.Second / 3),
		}
		switch i {
		case 0:
			j.State, j.Phase, j.Reduces, j.Ended, j.Rows = mapreduce.Reducing, mapreduce.Reduce, mapreduce.Progress{Total: 8, Done: 3},
				time.Time{}, 0
			j.Waiting = "5 of 8 reduce tasks"
		case 1:
			j.State, j.Maps, j.Reduces, j.Ended, j.Rows = mapreduce.Queued, mapreduce.Progress{}, mapreduce.Progress{}, time.Time{}, 0
			j.Waiting, j.Idle = "no worker runs commands: start one with `jetreduce worker --allow-exec`", true
		case 6:
			j.State, j.Maps.Done, j.Reduces.Done, j.Rows = mapreduce.Failed, maps/3, 0, 0
			j.Error = "map 17 failed four times: worker wb4k2qx1: exit status 1: Traceback (most recent call last):\n  File \"sessions.py\", line 31"
		case 9:
			j.State, j.Maps.Done, j.Reduces.Done, j.Rows = mapreduce.Cancelled, maps/2, 0, 0
			j.Error = "cancelled on request"
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// sceneTimeline is a job under way, with all that can go wrong and still be mended.
func sceneTimeline(now time.Time) mapreduce.Timeline {
	b := &timelineBuilder{luck: rand.New(rand.NewPCG(7, 7)), from: now.Add(-83 * time.Second), now: now,
		count: map[mapreduce.WorkerID]uint32{}}
	b.plan()
	b.maps(114)
	b.shares()
	t := &b.t
	t.Job = mapreduce.Status{
		ID: "clicks-by-country", UID: "u7kd0m2pqx", State: mapreduce.Mapping, Phase: mapreduce.Map, Program: "python3 sessions.py", Since: b.from,
		Maps: mapreduce.Progress{Total: 120, Done: b.done}, Reduces: mapreduce.Progress{Total: 16, Done: 0}, Epoch: 1207, Inputs: 31,
		Bytes:    mapreduce.Extent{Total: 48_000_000_000, Done: 36_400_000_000},
		Records:  81_203_331,
		Attempts: mapreduce.AttemptCounts{Map: b.done, Failed: 3, Lost: 2, Speculative: 2}, Quarantined: 3,
		Counters: mapreduce.Counters{"sessions,too short": 812, "sessions,robots": 19_011, "parse,bad date": 3},
		Waiting:  "24 of 120 map tasks", Output: mapreduce.Target{Format: "csv"},
	}
	for p := range 16 {
		n := int64(4_000_000 / (p + 2))
		t.Partitions = append(t.Partitions, mapreduce.PartitionSize{Partition: (p * 5) % 16, Records: n, Groups: n / 9, Rows: n / 9})
	}
	return b.t
}

// timelineBuilder makes up the attempts of a job.
type timelineBuilder struct {
	t     mapreduce.Timeline
	luck  *rand.Rand
	from  time.Time
	now   time.Time
	count map[mapreduce.WorkerID]uint32
	done  int
	took  []time.Duration
}

func (b *timelineBuilder) worker(i int) mapreduce.WorkerID {
	return mapreduce.WorkerID(fmt.Sprintf("w%c4k2qx%d", 'a'+i, i))
}

func (b *timelineBuilder) add(worker, n int, phase mapreduce.Phase, began, took time.Duration) *mapreduce.AttemptTime {
	w := b.worker(worker)
	b.count[w]++
	a := mapreduce.AttemptTime{Outcome: mapreduce.OutcomeCommitted, Began: b.from.Add(began), Ended: b.from.Add(began + took)}
	a.Task = mapreduce.TaskID{UID: "u7kd0m2pqx", Phase: phase, N: n, Generation: 1}
	a.Attempt = mapreduce.Attempt{Worker: w, N: b.count[w]}
	if a.Ended.After(b.now) {
		a.Ended, a.Outcome = time.Time{}, mapreduce.OutcomeRunning
	}
	b.t.Attempts = append(b.t.Attempts, a)
	return &b.t.Attempts[len(b.t.Attempts)-1]
}

func (b *timelineBuilder) plan() {
	b.add(0, 0, mapreduce.Plan, 200*time.Millisecond, 900*time.Millisecond)
	b.t.Phases = append(b.t.Phases, mapreduce.PhaseTimes{
		Phase: mapreduce.Plan, Tasks: 1, Done: 1, Began: b.from.Add(200 * time.Millisecond), Ended: b.from.Add(1100 * time.Millisecond),
		Took: mapreduce.Quantiles{Min: 9e8, Median: 9e8, P90: 9e8, P99: 9e8, Max: 9e8},
	})
}

func (b *timelineBuilder) maps(n int) {
	free := make([]time.Duration, 12)
	for i := range free {
		free[i] = 1200 * time.Millisecond
	}
	for i := range n {
		slot := slices.Index(free, slices.Min(free))
		took := time.Duration(5500+b.luck.IntN(5000)) * time.Millisecond
		began := free[slot]
		if i == 30 {
			took = 55 * time.Second
		}
		a := b.add(slot/2, i, mapreduce.Map, began, took)
		switch i {
		case 30:
			a.Straggler = true
		case 17, 21, 40:
			a.Outcome, a.Ended = mapreduce.OutcomeFailed, a.Began.Add(2*time.Second)
			a.Reason = "exit status 1 after 31,204 records, at access-17.log:1220411\nTraceback (most recent call last):\n  File \"sessions.py\", line 31, in <module>\n    main()\nValueError: time data '31/Feb/2026' does not match format"
			took = 2 * time.Second
		case 44, 45:
			a.Outcome, a.Reason, a.Ended = mapreduce.OutcomeLost, "its worker fell silent", a.Began.Add(3*time.Second)
		case 70, 71:
			a.Speculative = true
		case 60:
			a.Outcome = mapreduce.OutcomeBeaten
		}
		free[slot] = began + took + 40*time.Millisecond
		if a.Outcome == mapreduce.OutcomeCommitted {
			b.done++
			b.took = append(b.took, took)
		}
	}
	slices.Sort(b.took)
	at := func(q int) time.Duration { return b.took[len(b.took)*q/100] }
	b.t.Phases = append(b.t.Phases, mapreduce.PhaseTimes{
		Phase: mapreduce.Map, Tasks: 120, Done: b.done, Running: 8, Failed: 3, Lost: 2, Speculative: 2,
		Began: b.from.Add(1200 * time.Millisecond),
		Took:  mapreduce.Quantiles{Min: at(0), Median: at(50), P90: at(90), P99: at(99), Max: b.took[len(b.took)-1]},
		Slowest: &mapreduce.AttemptRef{Task: mapreduce.TaskID{UID: "u7kd0m2pqx", Phase: mapreduce.Map, N: 30, Generation: 1},
			Attempt: mapreduce.Attempt{Worker: b.worker(3), N: 6}},
	})
}

func (b *timelineBuilder) shares() {
	for i := range 6 {
		share := mapreduce.WorkerShare{Worker: b.worker(i), Host: fmt.Sprintf("rack%d-node%02d.example", i/2, i)}
		for _, a := range b.t.Attempts {
			if a.Attempt.Worker == share.Worker && a.Outcome == mapreduce.OutcomeCommitted {
				share.Committed++
				share.Took += a.Ended.Sub(a.Began)
			}
		}
		b.t.Workers = append(b.t.Workers, share)
	}
}
