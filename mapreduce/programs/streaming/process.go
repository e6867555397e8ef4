package streaming

import (
	"context"
	"os/exec"
	"syscall"
	"time"

	"jetreduce/mapreduce"
)

// process is one `sh -c`, and what stands around it. All methods are called by one goroutine, that of the attempt, and only it emits: while
// it waits for what it has handed over to be taken, it takes what the process writes, so that neither waits for the other.
//
//	attempt ─ block ─▶ feeder ─▶ stdin ┃      ┃ stdout ─▶ pump ─ block ─▶ attempt
//	                                   ┃  sh  ┃ stderr ─▶ listener
//	watcher: starts it, waits for it   ┃      ┃
type process struct {
	command string
	what    string // it is called in errors
	grace   time.Duration
	memory  *blocks
	lines   lines
	watch   watch

	cmd      *exec.Cmd
	task     *mapreduce.TaskContext
	feeder   *feeder
	pump     *pump
	listener *listener

	block, spare []byte // being filled, and the other one, which the feeder may have
	handed       bool   // the feeder has one

	exited   chan struct{} // closed when it has ended
	gone     bool          // that was seen
	leftover *time.Timer   // of what it has left running
	over     bool          // nothing is left of it
	err      error         // then: how it ended
}

// blockSize is the bytes of a block: a pipe that was widened holds a few.
const blockSize = 256 << 10

// blocks are the memory of a process, which the next one of the attempt uses again.
type blocks struct {
	in   [2][]byte
	out  [3][]byte
	said []byte
}

func (b *blocks) make() {
	if b.said != nil {
		return
	}
	for i := range b.in {
		b.in[i] = make([]byte, 0, blockSize)
	}
	for i := range b.out {
		b.out[i] = make([]byte, blockSize)
	}
	b.said = make([]byte, 64<<10)
}

// start starts the process, among the files of its task.
func (p *process) start(task *mapreduce.TaskContext, environ []string) error {
	p.task, p.exited = task, make(chan struct{})
	p.cmd = exec.Command("sh", "-c", p.command)
	p.cmd.Dir, p.cmd.Env, p.cmd.SysProcAttr = task.Dir, environ, attributes()
	pipes, err := openPipes()
	if err != nil {
		return err
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = pipes.stdin.reader, pipes.stdout.writer, pipes.stderr.writer
	err = p.launch()
	pipes.closeTheirs()
	if err != nil {
		pipes.closeOurs()
		return err
	}
	p.memory.make()
	p.block, p.spare = p.memory.in[0], p.memory.in[1]
	p.watch.begin()
	p.feeder = newFeeder(pipes.stdin.writer, &p.watch)
	p.pump = newPump(outflow{pipe: pipes.stdout.reader, watch: &p.watch}, p.memory.out[:])
	p.listener = newListener(outflow{pipe: pipes.stderr.reader, watch: &p.watch}, task, p.memory.said)
	return nil
}

// fits takes a pair if there is room for it, as most often there is.
func (p *process) fits(key, value []byte) bool {
	if cap(p.block)-len(p.block) < len(key)+len(value)+2 {
		return false
	}
	p.block = append(append(p.block, key...), p.lines.separator)
	p.block = append(append(p.block, value...), '\n')
	return true
}

// feed hands data over, which may be used again afterwards. To whom does not read, nothing is handed.
func (p *process) feed(ctx context.Context, data []byte, out mapreduce.Output) error {
	for len(data) > 0 {
		if p.over || p.feeder.deaf.Load() {
			return p.unheard(ctx, out)
		}
		if len(data) >= blockSize {
			return p.direct(ctx, data, out)
		}
		n := min(len(data), cap(p.block)-len(p.block))
		p.block, data = append(p.block, data[:n]...), data[n:]
		if len(p.block) < cap(p.block) {
			continue
		}
		if err := p.push(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// direct hands over data that is not copied, and waits until it has been taken.
func (p *process) direct(ctx context.Context, data []byte, out mapreduce.Output) error {
	if err := p.push(ctx, out); err != nil {
		return err
	}
	if err := p.hand(ctx, data, out); err != nil {
		return err
	}
	return p.settle(ctx, out)
}

// push hands over what has been filled of a block.
func (p *process) push(ctx context.Context, out mapreduce.Output) error {
	if len(p.block) == 0 {
		return nil
	}
	if err := p.hand(ctx, p.block, out); err != nil {
		return err
	}
	p.block, p.spare = p.spare[:0], p.block
	return nil
}

func (p *process) hand(ctx context.Context, data []byte, out mapreduce.Output) error {
	if err := p.settle(ctx, out); err != nil {
		return err
	}
	p.feeder.in <- data
	p.handed = true
	return nil
}

// settle waits until what was handed over has been taken.
func (p *process) settle(ctx context.Context, out mapreduce.Output) error {
	p.watch.beat() // until now it may have had nothing to do
	for p.handed {
		if err := p.step(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// unheard is when a process does not read any more. That is its right; but if it has ended, and failed, the attempt need not go on.
func (p *process) unheard(ctx context.Context, out mapreduce.Output) error {
	select {
	case <-p.exited:
		return p.finish(ctx, out)
	default:
		return nil
	}
}

// finish closes stdin, takes what is still written, and says how the process has ended.
func (p *process) finish(ctx context.Context, out mapreduce.Output) error {
	if p.over {
		return p.err
	}
	if err := p.push(ctx, out); err != nil {
		return err
	}
	if err := p.settle(ctx, out); err != nil {
		return err
	}
	p.feeder.hangUp()
	p.watch.beat()
	for !p.gone || p.pump.full != nil || p.listener.ended != nil {
		if err := p.step(ctx, out); err != nil {
			return err
		}
	}
	p.lines.end(out)
	p.bury()
	p.err = p.verdict()
	return p.err
}

// step waits until something happens, and does what is to be done about that. After an error nothing is left of the process.
func (p *process) step(ctx context.Context, out mapreduce.Output) error {
	exited, leftover := p.waiting()
	select {
	case <-p.feeder.taken:
		p.handed = false
	case block, open := <-p.pump.full:
		return p.take(block, open, out)
	case <-p.listener.ended:
		p.listener.ended = nil
	case <-exited:
		p.gone, p.leftover = true, time.NewTimer(p.grace)
	case <-leftover:
		p.say("what the command had left running was killed: its end is that of its first process")
		p.cutOff()
	case <-p.watch.ticks:
		if p.watch.silent() {
			return p.fail(p.watch.err())
		}
	case <-ctx.Done():
		return p.fail(context.Cause(ctx))
	}
	return nil
}

// waiting is for whose end is to be waited for: the process', then that of what it has left running.
func (p *process) waiting() (exited <-chan struct{}, leftover <-chan time.Time) {
	if p.gone {
		return nil, p.leftover.C
	}
	return p.exited, nil
}

// take emits what a block has.
func (p *process) take(block []byte, open bool, out mapreduce.Output) error {
	if !open {
		p.pump.full = nil
		return nil
	}
	if err := p.lines.take(block, out); err != nil {
		return p.fail(err)
	}
	p.pump.empty <- block[:blockSize]
	p.watch.beat() // what it could not write while this took is not its silence
	return nil
}

// say adds a line to the log.
func (p *process) say(line string) {
	if p.task.Log != nil {
		p.task.Log(line)
	}
}

// signal sends a signal to all of the group. It may have none left; as long as it has not been reaped, no other group has its number.
func (p *process) signal(signal syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, signal)
}
