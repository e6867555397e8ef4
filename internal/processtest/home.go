package processtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Home is all that a process may look for in its environment: directories of one machine, and the pipe that it ends with.
type Home struct {
	// Dir has the store, the scratch and what else there is.
	Dir  string
	life [2]*os.File // what children read and this process never writes
}

// NewHome makes the directories in dir, which is there and is the caller's to remove.
func NewHome(dir string) (*Home, error) {
	for _, name := range []string{"home", "state", "cache", "scratch"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return nil, err
		}
	}
	h := &Home{Dir: dir}
	var err error
	h.life[0], h.life[1], err = os.Pipe()
	return h, err
}

// Close lets go of the pipe: what still runs there ends.
func (h *Home) Close() {
	for _, end := range h.life {
		_ = end.Close()
	}
}

// Scratch is the directory for what does not fit into memory.
func (h *Home) Scratch() string { return filepath.Join(h.Dir, "scratch") }

// Command is `jetreduce ARG...`, which is this binary again, with env beside what the home says.
func (h *Home) Command(env []string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Dir, cmd.ExtraFiles = h.Dir, []*os.File{h.life[0]}
	cmd.Env = append([]string{
		variable + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(h.Dir, "home"),
		"XDG_STATE_HOME=" + filepath.Join(h.Dir, "state"), "XDG_CACHE_HOME=" + filepath.Join(h.Dir, "cache"),
		"TMPDIR=" + h.Scratch(), "JETREDUCE_STORE=" + filepath.Join(h.Dir, "store"),
		"GORACE=atexit_sleep_ms=0", // under the race detector a process would take a second to end
	}, env...)
	return cmd, nil
}

// FreeAddr finds a port that nobody listens at, below those that the kernel gives to connections: one of these might take
// the port while a bus is down.
func FreeAddr() (string, error) {
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(20_000)))
		if listener, err := net.Listen("tcp", addr); err == nil {
			_ = listener.Close()
			return addr, nil
		}
	}
	return "", fmt.Errorf("no port of 100 that were tried is free: see what listens with `ss -ltn`")
}
