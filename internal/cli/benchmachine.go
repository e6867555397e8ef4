package cli

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

// machine says where figures come from: without the machine and the revision, nobody can compare them.
func machine() string {
	return fmt.Sprintf("%d cores, %s, %s %s/%s, %s",
		runtime.GOMAXPROCS(0), memoryHere(), runtime.Version(), runtime.GOOS, runtime.GOARCH, revision(debug.ReadBuildInfo()))
}

// memoryHere is what this process may use, where that can be told.
func memoryHere() string {
	if _, err := os.Stat("/proc/meminfo"); err != nil {
		return "memory unknown"
	}
	return fmt.Sprintf("%.1f GB of memory", float64(4*memoryBound(0))/1e9)
}

// revision is the commit of which this binary was built.
func revision(info *debug.BuildInfo, known bool) string {
	if !known {
		return "revision unknown"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit := settings["vcs.revision"]
	if commit == "" {
		return "revision unknown"
	}
	words := "revision " + commit[:min(len(commit), 12)]
	if settings["vcs.modified"] == "true" {
		words += ", changed"
	}
	return words
}
