package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"jetreduce/mapreduce/programs"
)

func TestSlotsAreANumberOrWhatMemoryAllows(t *testing.T) {
	m := computer{cores: 8, memory: 16 << 30, bound: 4 << 30}
	small := computer{cores: 8, memory: 1 << 30, bound: 256 << 20}
	for _, c := range []struct {
		typed string
		on    computer
		want  int
		why   string
	}{
		{"", m, 8, "one a core"},
		{"cores", m, 8, "one a core"},
		{"", small, 4, "64 MiB of the memory bound each"},
		{"", computer{cores: 8, memory: 1 << 20, bound: 1 << 18}, 1, "64 MiB of the memory bound each"},
		{"3", small, 3, "as asked for"},
		{"1024", m, 1024, "as asked for"},
		{"4GiB", m, 4, "4096 MiB of memory each"},
		{"1GiB", m, 8, "one a core"},
		{"512M", small, 2, "512 MiB of memory each"},
		{"64G", m, 1, "65536 MiB of memory each"},
		{"1M", computer{cores: 4096, memory: 1 << 50, bound: 1}, 1024, "one a core"},
	} {
		var s slots
		if c.typed != "" {
			if err := s.Set(c.typed); err != nil {
				t.Errorf("%q: %v", c.typed, err)
				continue
			}
		}
		if n, why := s.on(c.on); n != c.want || why != c.why {
			t.Errorf("%q on %+v is %d, %q; want %d, %q", c.typed, c.on, n, why, c.want, c.why)
		}
	}
	for _, typed := range []string{"", "0", "-1", "1025", "1K", "2x", "core", "1.5G", "99999999999999999999"} {
		var s slots
		if err := s.Set(typed); err == nil {
			t.Errorf("%q is taken for %+v", typed, s)
		}
	}
}

// A slot that cannot have the memory asked for is refused.
func TestSlotsLargerThanTheMemoryAreRefused(t *testing.T) {
	t.Parallel()
	for typed, fits := range map[string]bool{"1GiB": true, "2049M": false, "2GiB": true, "1TiB": false, "8": true, "cores": true} {
		var s slots
		if err := s.Set(typed); err != nil {
			t.Fatal(err)
		}
		if err := s.fit(2 << 30); (err == nil) != fits {
			t.Errorf("%s on 2 GiB: %v", typed, err)
		}
	}
}

// A worker and a run say both numbers.
func TestCommandsRefuseSlotsLargerThanTheMemory(t *testing.T) {
	t.Parallel()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(context.Background())
	end() // what is not refused does nothing
	run := newRoot(Terminal{nil, io.Discard, io.Discard}, set)
	run.SetArgs([]string{"run", "wordcount", "--workers", "9000000GiB", "slots.go"})
	worker := workerFlags{slots: slots{each: 9_000_000 << 30}, root: "/", scratch: os.TempDir()}
	here := fmt.Sprintf("this process may use %d MiB", thisMemory()>>20)
	for flag, err := range map[string]error{"--slots": worker.check(), "--workers": run.ExecuteContext(ended)} {
		if exitCode(err) != exitUsage || !strings.Contains(err.Error(), flag) || !strings.Contains(err.Error(), here) ||
			!strings.Contains(err.Error(), "9216000000 MiB") {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

func FuzzSlots(f *testing.F) {
	for _, typed := range []string{"4", "cores", "1GiB", "0", "1024k"} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		var s slots
		if s.Set(typed) != nil {
			return
		}
		if n, _ := s.on(computer{cores: 8, memory: 1 << 30, bound: 1 << 28}); n < 1 || n > maxSlots {
			t.Errorf("%q is %d slots", typed, n)
		}
	})
}

// A service, a container and a shell are each in a group of its own kind.
func TestMemoryIsTheLowestLimitOfTheGroupsThatAProcessIsIn(t *testing.T) {
	const meminfo, groups = "proc/meminfo", "proc/self/cgroup"
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, c := range map[string]struct {
		root fstest.MapFS
		want int64
	}{
		"says nothing": {fstest.MapFS{}, unknownMemory},
		"no limit":     {fstest.MapFS{meminfo: file("MemTotal: 8388608 kB\n"), "sys/fs/cgroup/memory.max": file("max\n")}, 8 << 30},
		"a container": {fstest.MapFS{meminfo: file("MemTotal: 8388608 kB\n"), groups: file("0::/\n"),
			"sys/fs/cgroup/memory.max": file("536870912\n")}, 512 << 20},
		"a service": {fstest.MapFS{
			meminfo: file("MemTotal: 8388608 kB\n"), groups: file("0::/system.slice/worker.service\n"),
			"sys/fs/cgroup/system.slice/worker.service/memory.max": file("1073741824\n"), "sys/fs/cgroup/system.slice/memory.max": file("max\n"),
		}, 1 << 30},
		"its parent": {fstest.MapFS{
			meminfo: file("MemTotal: 8388608 kB\n"), groups: file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("268435456\n"),
		}, 256 << 20},
		"the first version": {fstest.MapFS{
			meminfo: file("MemTotal: 8388608 kB\n"), groups: file("5:cpu,cpuacct:/x\n4:memory:/docker/1\n"),
			"sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": file("134217728\n"),
		}, 128 << 20},
		"more than there is": {fstest.MapFS{meminfo: file("MemTotal: 1048576 kB\n"), "sys/fs/cgroup/memory.max": file("99999999999\n")}, 1 << 30},
		"another's group":    {fstest.MapFS{meminfo: file("MemTotal: 1048576 kB\n"), groups: file("0::/../../other\nnonsense\n")}, 1 << 30},
	} {
		if got := usableMemory(c.root); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
