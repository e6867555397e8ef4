package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a process took of the machine in its life.
type Usage struct {
	CPU    time.Duration `json:"cpu"`    // user and system
	Memory int64         `json:"memory"` // bytes that were resident, at the most
}

// WriteUsage writes what this process has taken so far. A parent could not tell: to what the kernel tells it of a child's
// memory, that of the parent when it started the child is added.
func WriteUsage(path string) error {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return fmt.Errorf("ask for the usage: %w", err)
	}
	u := Usage{CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()), Memory: int64(r.Maxrss)} // bytes on macOS
	if runtime.GOOS == "linux" {
		var err error
		if u.Memory, err = highWater("/proc/self/status"); err != nil {
			return err
		}
	}
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// highWater reads VmHWM from a status file of Linux.
func highWater(path string) (int64, error) {
	status, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if field, found := bytes.CutPrefix(line, []byte("VmHWM:")); found {
			kib, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(field), []byte("kB")))), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no VmHWM in " + path)
}

func readUsage(path string) (u Usage, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &u)
	}
	return u, err
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
