package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startPatience = time.Minute      // for a server to answer
	stopPatience  = 20 * time.Second // for a server to end when told to; after that it is killed
)

// launch is how a server is started.
type launch struct {
	args  []string                    // the command line; [0] is the program
	env   []string                    // added to ours
	dir   string                      // its working directory, and where its log goes
	as    *syscall.Credential         // who runs it; nil: who runs us
	quit  syscall.Signal              // what makes it end cleanly
	ready func(context.Context) error // nil once it answers
}

// process is a server that was started here.
type process struct {
	cmd    *exec.Cmd
	quit   syscall.Signal
	log    string
	exited chan struct{} // closed when it has ended
}

// start returns when the server answers. A server that ends first, or stays silent, is an error with the end of its log.
func (l launch) start(ctx context.Context) (*process, error) {
	log, err := os.Create(filepath.Join(l.dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(l.args[0], l.args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = l.dir, append(os.Environ(), l.env...), log, log
	cmd.SysProcAttr = l.attributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", l.args[0], err)
	}
	p := &process{cmd: cmd, quit: l.quit, log: log.Name(), exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended shows in its log, and nothing hangs on it
		close(p.exited)
	}()
	if err := p.await(ctx, l.ready); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", l.args[0], errors.Join(err, p.stop()), p.lastWords())
	}
	return p, nil
}

// attributes puts the server into a process group of its own: an interrupt from the terminal reaches us, and we stop it.
func (l launch) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: l.as}
}

// run runs a command that ends by itself, or cleans up and ends when the context does.
func (l launch) run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, l.args[0], l.args[1:]...)
	cmd.Dir, cmd.SysProcAttr = l.dir, l.attributes()
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(l.quit) }, stopPatience
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(l.args, " "), err, out)
	}
	return nil
}

func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return errors.New("the server ended")
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop ends the server, and returns when it has ended.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(p.quit); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopPatience):
	}
	err := p.cmd.Process.Kill()
	<-p.exited
	return errors.Join(fmt.Errorf("%s did not end in %v: killed", p.cmd.Path, stopPatience), err)
}

// lastWords is the end of the server's log.
func (p *process) lastWords() string {
	const most = 2000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}

// freePort is a port of 127.0.0.1 that nobody listened on a moment ago. Should another process take it first, the server
// that was to have it ends, and its start is an error.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// unprivileged is the account for a server that must not, or need not, run as root; nil where we are not root ourselves.
func unprivileged(name string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("%w: its Debian package makes it", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// give makes a file or folder the account's own.
func give(name string, to *syscall.Credential) error {
	if to == nil {
		return nil
	}
	return os.Chown(name, int(to.Uid), int(to.Gid))
}

// secret writes a file that only the account may read.
func secret(name, text string, reader *syscall.Credential) error {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return err
	}
	return give(name, reader)
}
