package streaming

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// fail ends a process that is to go no further, and is the error about that.
func (p *process) fail(cause error) error {
	p.stop()
	p.err = fmt.Errorf("%s: %w%s", p.what, cause, p.listener.tail.words())
	return p.err
}

// stop tells a process to end, then kills it, and waits until nothing is left of it. What it writes is dropped.
func (p *process) stop() {
	if p.over {
		return
	}
	p.signal(syscall.SIGTERM)
	patience := time.NewTimer(p.grace)
	defer patience.Stop()
	for exited, full, said := p.exited, p.pump.full, p.listener.done; exited != nil || full != nil || said != nil; {
		select {
		case <-exited:
			exited = nil
		case <-said:
			said = nil
		case <-patience.C:
			p.cutOff()
		case block, open := <-full:
			if open {
				p.pump.empty <- block[:blockSize]
			} else {
				full = nil
			}
		}
	}
	p.bury()
}

// cutOff kills all that is left of the group. What it has written stands in the pipes, and is read; what a process writes that has left
// the group is not waited for.
func (p *process) cutOff() {
	p.signal(syscall.SIGKILL)
	p.feeder.cutOff()
	p.pump.from.cutOff()
	p.listener.from.cutOff()
}

// bury waits for all that stands around a process that has ended. Whatever it has left in its group is killed.
func (p *process) bury() {
	p.over = true
	p.signal(syscall.SIGKILL)
	reap(p.cmd)
	p.feeder.close()
	p.pump.close()
	p.listener.close()
	p.watch.end()
	if p.leftover != nil {
		p.leftover.Stop()
	}
}

// verdict is how a process has ended; nil: well.
func (p *process) verdict() error {
	cause := errors.Join(p.feeder.err, p.pump.err)
	if how := ending(p.command, p.cmd.ProcessState); how != "" {
		cause = errors.New(how)
	}
	if cause == nil {
		return nil
	}
	return fmt.Errorf("%s: %w%s", p.what, cause, p.listener.tail.words())
}

// Statuses that a shell gives a command.
const (
	notExecutable = 126
	notFound      = 127
	signalled     = 128 // and the number of the signal
)

// ending is in words how a process has ended, and what that may mean; empty: with status 0.
func ending(command string, state *os.ProcessState) string {
	status, known := state.Sys().(syscall.WaitStatus)
	code := state.ExitCode()
	switch {
	case code == 0:
		return ""
	case known && status.Signaled():
		return "killed by signal: " + status.Signal().String()
	case code == 1 && strings.HasPrefix(strings.TrimSpace(command), "grep "):
		return "exit status 1 (grep says by it that nothing matched; where that is well: `grep … || test $? = 1`)"
	case code == notExecutable || code == notFound:
		return fmt.Sprintf("exit status %d (nothing to execute: ship a file along with --file, executable, and call it as `./name`, "+
			"in the directory where the command runs)", code)
	case code > signalled && code <= signalled+int(syscall.SIGTERM):
		return fmt.Sprintf("exit status %d (a shell's for what was killed by signal: %s)", code, syscall.Signal(code-signalled))
	}
	return fmt.Sprintf("exit status %d", code)
}
