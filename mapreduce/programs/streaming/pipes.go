package streaming

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// pipe has two ends.
type pipe struct{ reader, writer *os.File }

type pipes struct{ stdin, stdout, stderr pipe }

func openPipes() (p pipes, err error) {
	for _, one := range []*pipe{&p.stdin, &p.stdout, &p.stderr} {
		if one.reader, one.writer, err = os.Pipe(); err != nil {
			p.closeOurs()
			p.closeTheirs()
			return p, err
		}
	}
	widen(p.stdout.reader)
	return p, nil
}

// closeOurs closes the ends that this process has. Nil files are fine, and say so.
func (p pipes) closeOurs() { closeAll(p.stdin.writer, p.stdout.reader, p.stderr.reader) }

// closeTheirs closes the ends that the started process has.
func (p pipes) closeTheirs() { closeAll(p.stdin.reader, p.stdout.writer, p.stderr.writer) }

func closeAll(files ...*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}

// feeder writes to stdin, block after block.
type feeder struct {
	pipe  *os.File
	watch *watch
	in    chan []byte   // blocks; closed: there are no more
	taken chan struct{} // for each block: it may be used again
	ended chan struct{}
	deaf  atomic.Bool // nobody reads any more: blocks are dropped
	hung  bool        // in is closed
	rest  []byte      // of the block
	err   error       // other than that nobody reads
}

func newFeeder(pipe *os.File, watch *watch) *feeder {
	f := &feeder{pipe: pipe, watch: watch, in: make(chan []byte, 1), taken: make(chan struct{}, 1), ended: make(chan struct{})}
	go f.run()
	return f
}

func (f *feeder) run() {
	defer close(f.ended)
	defer f.pipe.Close()
	raw, err := f.pipe.SyscallConn()
	f.note(err)
	push := f.push
	for f.rest = range f.in {
		if !f.deaf.Load() {
			f.note(raw.Write(push))
		}
		f.taken <- struct{}{}
	}
}

// push writes as much of the block as there is room for. Each part that is taken is a sign of life, which File.Write would not show.
func (f *feeder) push(fd uintptr) (done bool) {
	for len(f.rest) > 0 {
		n, err := syscall.Write(int(fd), f.rest)
		switch err {
		case nil:
			f.watch.beat()
			f.rest = f.rest[n:]
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			f.note(err)
			return true
		}
	}
	return true
}

// note takes an error down. That nobody reads any more is none.
func (f *feeder) note(err error) {
	if err == nil {
		return
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, os.ErrDeadlineExceeded) {
		f.err = err
	}
	f.deaf.Store(true)
}

// hangUp closes stdin behind what was handed over.
func (f *feeder) hangUp() {
	if !f.hung {
		f.hung = true
		close(f.in)
	}
}

func (f *feeder) cutOff() { _ = f.pipe.SetWriteDeadline(longAgo()) }

func (f *feeder) close() {
	f.cutOff()
	f.hangUp()
	<-f.ended
}

// longAgo is a deadline that has passed.
func longAgo() time.Time { return time.Unix(1, 0) }

// outflow is what a process writes. When it is cut off, what stands in the pipe is read, and that was all.
type outflow struct {
	pipe  *os.File
	watch *watch
	rest  int // cut off: bytes that may be read, at most, so that who goes on writing is not heard for ever
	cut   bool
}

func (o *outflow) cutOff() { _ = o.pipe.SetReadDeadline(longAgo()) }

// Read is that of io.Reader.
func (o *outflow) Read(p []byte) (int, error) {
	if !o.cut {
		n, err := o.pipe.Read(p)
		if n > 0 {
			o.watch.beat()
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		o.cut, o.rest = true, maxPipe
		_ = o.pipe.SetReadDeadline(time.Time{})
	}
	return o.left(p)
}

// left reads what stands in the pipe, and waits for nothing.
func (o *outflow) left(p []byte) (n int, err error) {
	raw, err := o.pipe.SyscallConn()
	if err != nil {
		return 0, err
	}
	p = p[:min(len(p), o.rest)]
	refused := raw.Read(func(fd uintptr) bool {
		for {
			if n, err = syscall.Read(int(fd), p); err != syscall.EINTR {
				return true
			}
		}
	})
	if n <= 0 || err != nil || refused != nil {
		return 0, io.EOF // empty: whoever has the other end, it has written nothing yet
	}
	o.rest -= n
	return n, nil
}

// maxPipe is the bytes that a pipe holds at most.
const maxPipe = 1 << 20

// pump reads stdout, block after block.
type pump struct {
	from  outflow
	full  chan []byte // closed at the end
	empty chan []byte
	err   error
}

func newPump(from outflow, blocks [][]byte) *pump {
	p := &pump{from: from, full: make(chan []byte, len(blocks)), empty: make(chan []byte, len(blocks))}
	for _, block := range blocks {
		p.empty <- block
	}
	go p.run(p.full)
	return p
}

func (p *pump) run(full chan<- []byte) {
	defer close(full)
	for block := range p.empty {
		n, err := p.from.Read(block)
		if n > 0 {
			full <- block[:n]
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				p.err = err
			}
			return
		}
		if n == 0 {
			p.empty <- block
		}
	}
}

func (p *pump) close() { _ = p.from.pipe.Close() }
