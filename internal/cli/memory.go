package cli

import (
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// memoryBound is the bound for sorting and grouping: as asked for, else a quarter of what this process may use.
func memoryBound(asked size) int64 {
	if asked > 0 {
		return int64(asked)
	}
	return usableMemory(os.DirFS("/")) / 4
}

// unknownMemory is taken for that of a machine that does not say how much it has.
const unknownMemory = 4 << 30

// usableMemory is what this process may use: the machine's memory, or less if a control group of its has a limit.
func usableMemory(root fs.FS) int64 {
	total := int64(unknownMemory)
	if text, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		total = machineMemory(string(text), total)
	}
	for _, name := range limitFiles(root) {
		if text, err := fs.ReadFile(root, name); err == nil {
			total = min(total, limit(string(text), total))
		}
	}
	return total
}

// limitFiles are where the limits of this process may stand: those of its control group and of all above it. In a container its own group
// is seen as the root of all.
func limitFiles(root fs.FS) (files []string) {
	groups, _ := fs.ReadFile(root, "proc/self/cgroup") // none: only the root is looked at
	for line := range strings.Lines(string(groups) + "0::/\n0:memory:/\n") {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 || part[1] != "" && part[1] != "memory" {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max"
		if part[1] == "memory" {
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for group := path.Clean("/" + part[2]); ; group = path.Dir(group) {
			files = append(files, path.Join(mount, group, file))
			if group == "/" {
				break
			}
		}
	}
	return files
}

func machineMemory(meminfo string, unknown int64) int64 {
	for line := range strings.Lines(meminfo) {
		rest, found := strings.CutPrefix(line, "MemTotal:")
		if !found {
			continue
		}
		if kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64); err == nil &&
			kilobytes > 0 && kilobytes < math.MaxInt64/1024 {
			return kilobytes * 1024
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
