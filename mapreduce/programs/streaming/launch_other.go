//go:build !linux

package streaming

import (
	"os"
	"os/exec"
	"syscall"
)

// attributes: a process has a group of its own. When the worker dies it goes on until it notices that nobody reads its output.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// await waits for the end of a process, and takes its state down. Its number is free from then on; a group that gets it meanwhile is
// improbable, as numbers go up.
func await(cmd *exec.Cmd) { _ = cmd.Wait() }

// reap: that was done.
func reap(*exec.Cmd) {}

func widen(*os.File) {}
