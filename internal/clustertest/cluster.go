// Package clustertest runs the whole system inside a test, over a real nats-server, and breaks it at a chosen point: an
// attempt dies, or stalls and comes back late, between pull, publish, commit and ack.
package clustertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/client"
	"jetreduce/coordinator"
	"jetreduce/internal/embedded"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
	"jetreduce/worker"
)

// Cluster is how to run a job in a test. The zero value is one worker of one slot that nothing happens to.
type Cluster struct {
	Programs     []mapreduce.Program // besides the built-in ones
	Slots        int                 // of each worker; 1
	Memory       int64               // of each worker; 64 MiB
	Workers      int                 // 1
	RosterInline int                 // as the coordinator's
	Refit        func(number int, c *worker.Config)
}

// Limit is how long a job in a test may take: on a loaded machine, under the race detector.
const Limit = 2 * time.Minute

// Run runs a job that writes a file, and returns its last status and the file's content, "" when there is none.
func (c Cluster) Run(t testing.TB, job mapreduce.Job) (mapreduce.Status, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result")
	status := c.RunTo(t, path, job)
	content, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return status, string(content)
}

// RunTo runs a job that writes the file at path, and returns its last status.
func (c Cluster) RunTo(t testing.TB, path string, job mapreduce.Job) mapreduce.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	job.ID, job.Output.To = "test", output.URL(path)
	var status mapreduce.Status
	err := embedded.Run(ctx, c.config(t), func(ctx context.Context, b *bus.Bus) (err error) {
		status, err = client.Run(ctx, b.Desk(), job, client.View{})
		return err
	})
	if err != nil {
		t.Fatalf("run job: %v; last seen: %+v", err, status)
	}
	return status
}

func (c Cluster) config(t testing.TB) embedded.Config {
	t.Helper()
	set, err := programs.NewSet(append(programs.Builtin(), c.Programs...)...)
	if err != nil {
		t.Fatal(err)
	}
	store, err := bus.OpenStore(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Remove(); err != nil {
			t.Error(err)
		}
	})
	config := embedded.Config{
		Store: store, Slots: max(c.Slots, 1), Memory: c.Memory, Programs: set.Find, Log: bustest.Quiet(),
		Workers: c.Workers, Refit: c.Refit,
		AckWait:     time.Second,
		Coordinator: coordinator.Config{WorkerSilent: 2, RosterInline: c.RosterInline},
	}
	if config.Memory == 0 {
		config.Memory = 64 << 20
	}
	return config
}

// WriteFiles writes texts into files of a new directory, and returns their paths.
func WriteFiles(t testing.TB, texts ...string) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i, text := range texts {
		path := filepath.Join(dir, fmt.Sprintf("input-%03d.txt", i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}
