package streaming

import "runtime"

// launch starts the process, and has a goroutine of its own wait for its end. That keeps its thread: the kernel kills a process when the
// thread ends that has started it (see attributes), and this one lives as long as the process does.
func (p *process) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			await(p.cmd)
			close(p.exited)
		}
	}()
	return <-started
}
