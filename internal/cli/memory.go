package cli

import (
	"os"
	"strconv"
	"strings"
)

// memoryBound is the bound for sorting and grouping: as asked for, else a quarter of what this process may use.
func memoryBound(asked size) int64 {
	if asked > 0 {
		return int64(asked)
	}
	total := int64(4 << 30)
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		total = machineMemory(string(text), total)
	}
	for _, name := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(name); err == nil {
			total = min(total, limit(string(text), total))
		}
	}
	return total / 4
}

func machineMemory(meminfo string, unknown int64) int64 {
	for line := range strings.Lines(meminfo) {
		if rest, found := strings.CutPrefix(line, "MemTotal:"); found {
			return limit(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), unknown/1024) * 1024
		}
	}
	return unknown
}

func limit(text string, unknown int64) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n <= 0 {
		return unknown // "max": no limit
	}
	return n
}
