package streaming_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs/streaming"
)

// aloneFIFO has the test binary be a worker that runs a command in this directory, until it is killed.
const aloneFIFO = "STREAMING_TEST_ALONE"

func runAlone() {
	commands := mapOnly(held)
	mapper, _ := streaming.Program(commands, streaming.Config{}).Mapper(nil)
	ctx := mapreduce.WithTask(context.Background(), &mapreduce.TaskContext{Dir: os.Getenv(aloneFIFO)})
	out := &sink{open: true}
	_ = mapper.Map(ctx, mapreduce.Batch{Source: "a", Data: []byte("x\n")}, out)
	churn()
	_ = mapper.(mapreduce.Flusher).Flush(ctx, out)
}

// churn has threads come and go: that of the goroutine that maps among them.
func churn() {
	for range 64 {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			runtime.LockOSThread() // not unlocked: the thread ends with the goroutine
		}()
		<-ended
	}
}

// A worker that is killed with -9 can tell nobody to end: the kernel does. While it lives, threads that end end no command.
func TestKilledWorkerLeavesNoShell(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the death of a parent is told on Linux only")
	}
	dir := t.TempDir()
	holder := fifo(t, dir, "held")
	fifo(t, dir, "never")
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), aloneFIFO+"="+dir)
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	reader, _ := firstLine(t, holder)
	if _, err := os.Stat(filepath.Join(dir, "held")); err != nil {
		t.Error(err)
	}
	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = worker.Wait()
	ended(t, reader)
}
