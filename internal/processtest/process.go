package processtest

import (
	"fmt"
	"syscall"
	"time"
)

// Process is a child of a Machine: a daemon or a command.
type Process struct {
	*Child
	machine  *Machine
	expected bool // that it ends
}

// Kill kills it (SIGKILL), waits until it is gone, and returns when it was killed.
func (p *Process) Kill() time.Time {
	p.machine.t.Helper()
	at := time.Now()
	p.expected = true
	p.signal(syscall.SIGKILL)
	p.awaitEnd()
	return at
}

// Stop asks it to stop (SIGTERM), requires that it exits with 0, and returns when it was asked.
func (p *Process) Stop() time.Time {
	p.machine.t.Helper()
	at := time.Now()
	p.expected = true
	p.signal(syscall.SIGTERM)
	if code := p.Exit(); code != 0 {
		p.machine.t.Fatalf("%s was told to stop and exited with %d", p, code)
	}
	return at
}

// Pause stops it (SIGSTOP), and waits until it stands still.
func (p *Process) Pause() {
	p.machine.t.Helper()
	p.signal(syscall.SIGSTOP)
	AwaitTrue(p.machine.t, fmt.Sprintf("%s to stand still", p), func() bool { return !moves(p.Pid()) })
}

// Resume lets a paused process go on (SIGCONT).
func (p *Process) Resume() {
	p.machine.t.Helper()
	p.signal(syscall.SIGCONT)
}

func (p *Process) signal(s syscall.Signal) {
	p.machine.t.Helper()
	if err := p.Send(s); err != nil {
		p.machine.t.Fatal(err)
	}
}

// Exit waits until it has ended by itself, and returns its exit code.
func (p *Process) Exit() int {
	p.machine.t.Helper()
	p.expected = true
	p.awaitEnd()
	return p.cmd.ProcessState.ExitCode()
}

// Output waits until it has ended with 0, and returns what it wrote to standard output.
func (p *Process) Output() string {
	p.machine.t.Helper()
	if code := p.Exit(); code != 0 {
		p.machine.t.Fatalf("%s exited with %d", p, code)
	}
	return p.out.String()
}

func (p *Process) awaitEnd() {
	p.machine.t.Helper()
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	select {
	case <-p.over:
	case <-limit.C:
		p.machine.t.Fatalf("%s does not end", p)
	}
}

// Await waits until it has logged a message.
func (p *Process) Await(message string) Line {
	p.machine.t.Helper()
	return p.machine.Await(0, Said{Message: message, By: p})
}
