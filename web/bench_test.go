package web

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// worst is the largest answers that there are: of 10,000 jobs a list has 400, of a job of 10,000 tasks a timeline has MaxTimeline attempts.
func worst() *fakeDesk {
	d := scene(began)
	d.vitals.Jobs[mapreduce.Done] = 10_000
	d.list = mapreduce.JobList{More: 9600}
	for i := range 400 {
		d.list.Jobs = append(d.list.Jobs, mapreduce.Status{
			ID: mapreduce.JobID(fmt.Sprintf("nightly-clicks-by-country-%05d", 10_000-i)), State: mapreduce.Failed, Program: "python3 sessions.py",
			Maps: mapreduce.Progress{Total: 10_000, Done: i * 25}, Reduces: mapreduce.Progress{Total: 4096}, Rows: 1 << 40, Since: began,
			Ended: began.Add(time.Hour),
			Error: strings.Repeat("map 17 failed four times: exit status 1 ", 12),
		})
	}
	t := &d.timeline
	t.Attempts, t.Workers, t.Partitions, t.Hidden = nil, nil, nil, 9000
	for i := range mapreduce.MaxTimeline {
		a := attemptAt(uint32(i), mapreduce.OutcomeCommitted, time.Duration(i%50)*time.Second, time.Duration(i%50+3)*time.Second)
		a.Attempt.Worker = mapreduce.WorkerID(fmt.Sprintf("w%06d", i%200))
		if i%3 == 0 {
			a.Outcome, a.Reason = mapreduce.OutcomeFailed, strings.Repeat("Traceback (most recent call last):\n", 6)
		}
		t.Attempts = append(t.Attempts, a)
	}
	for i := range 200 {
		t.Workers = append(t.Workers, mapreduce.WorkerShare{Worker: mapreduce.WorkerID(fmt.Sprintf("w%06d", i)), Host: "rack1-node02.example",
			Committed: 50, Took: time.Hour})
		t.Partitions = append(t.Partitions, mapreduce.PartitionSize{Partition: i, Records: int64(1e9 / (i + 1)), Groups: 10, Rows: 10})
	}
	t.Job.Maps = mapreduce.Progress{Total: 10_000, Done: 9000}
	return d
}

func BenchmarkPages(b *testing.B) {
	s := newTestServer(worst(), nil)
	for name, path := range map[string]string{"jobs of 10,000": "/", "job of 10,000 tasks": "/jobs/clicks-by-country", "workers": "/workers",
		"metrics": "/metrics"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size, began := 0, cpuTime()
			for b.Loop() {
				w := get(b, s, path)
				if size = w.Body.Len(); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
			b.ReportMetric(float64(size), "bytes/page")
			b.ReportMetric((cpuTime()-began).Seconds()*1000/float64(b.N), "cpu-ms/page") // what a loaded machine does not change
		})
	}
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkChange is one second of a live page of a large job: what is sent to each viewer.
func BenchmarkChange(b *testing.B) {
	d := worst()
	s := newTestServer(d, nil)
	at := look{path: "/jobs/clicks-by-country", job: "clicks-by-country"}
	before := s.jobFrame(b.Context(), at)
	d.timeline.Attempts[500].Outcome = mapreduce.OutcomeLost
	sent := 0
	b.ReportAllocs()
	for b.Loop() {
		sent = len(encode(changes(before, s.jobFrame(b.Context(), at))))
	}
	b.ReportMetric(float64(sent), "bytes/viewer")
}
