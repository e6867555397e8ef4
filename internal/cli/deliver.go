package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// deliver copies the result to where it can only be streamed.
func (r *jobRun) deliver(ctx context.Context, open func() (io.ReadCloser, error)) error {
	result, err := open()
	if err != nil {
		return err
	}
	return unlessCut(ctx, func() error {
		defer result.Close()
		return stream(r.terminal, r.flags.output, result)
	})
}

// stream copies a result to standard output, a device or a pipe.
func stream(terminal Terminal, name string, result io.Reader) error {
	to, err := destination(terminal, name)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, result)
	if name != "-" && ownDescriptor(name) != 1 {
		if err = errors.Join(err, to.Close()); err != nil { // not %w: only standard output may end early in peace
			err = fmt.Errorf("write %s: %v", name, err)
		}
	}
	return err
}

// destination opens where the result is streamed to. A name of one of this process's own descriptors is that descriptor:
// opened by name, a file behind it would be written from its beginning.
func destination(terminal Terminal, name string) (io.WriteCloser, error) {
	if name == "-" {
		return keepOpen{terminal.Out}, nil
	}
	switch fd := ownDescriptor(name); fd {
	case -1:
		return os.OpenFile(name, os.O_WRONLY, 0)
	case 1:
		return keepOpen{terminal.Out}, nil
	case 2:
		return keepOpen{terminal.Err}, nil
	default:
		return os.NewFile(uintptr(fd), name), nil
	}
}

// ownDescriptor is the number of the descriptor that a name such as /dev/stdout or /dev/fd/3 stands for, or -1.
func ownDescriptor(name string) int {
	switch name = filepath.Clean(name); name {
	case "/dev/stdout":
		return 1
	case "/dev/stderr":
		return 2
	}
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
		if number, found := strings.CutPrefix(name, dir); found {
			if fd, err := strconv.Atoi(number); err == nil && fd >= 0 {
				return fd
			}
		}
	}
	return -1
}

// inherited refuses a descriptor that this process was not started with, or cannot write to. Those that the process opened
// for itself are closed on exec.
func inherited(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return usageError{fmt.Errorf("--output: descriptor %d is not open", fd)}
	}
	mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || mode&unix.O_ACCMODE == unix.O_RDONLY {
		return usageError{fmt.Errorf("--output: descriptor %d is not open for writing", fd)}
	}
	return nil
}

// keepOpen is a writer that somebody else closes.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
