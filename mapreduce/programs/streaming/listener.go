package streaming

import (
	"bytes"
	"slices"
	"strings"

	"jetreduce/mapreduce"
)

// listener reads stderr: counters, status lines, and all else, which is the log.
type listener struct {
	from  outflow
	task  *mapreduce.TaskContext
	ended <-chan struct{} // closed when all is read; nil: that was seen
	done  <-chan struct{} // the same

	line []byte // that has not ended yet
	long bool   // its end is dropped
	tail tail
}

const (
	maxLogLine    = 8 << 10
	maxTail       = 4 << 10 // bytes
	maxTailLines  = 20
	counterPrefix = "reporter:counter:"
	statusPrefix  = "reporter:status:"
)

func newListener(from outflow, task *mapreduce.TaskContext, buffer []byte) *listener {
	done := make(chan struct{})
	l := &listener{from: from, task: task, ended: done, done: done}
	go func() {
		defer close(done)
		l.run(buffer)
	}()
	return l
}

func (l *listener) run(buffer []byte) {
	for {
		n, err := l.from.Read(buffer)
		l.take(buffer[:n])
		if err != nil {
			l.end()
			return
		}
	}
}

// take hears the lines that end in a block.
func (l *listener) take(block []byte) {
	for {
		line, rest, found := bytes.Cut(block, lf)
		room := maxLogLine - len(l.line)
		l.long = l.long || len(line) > room
		l.line = append(l.line, line[:min(len(line), room)]...)
		if !found {
			return
		}
		l.hear()
		block = rest
	}
}

// end hears what stands behind the last LF.
func (l *listener) end() {
	if len(l.line) > 0 {
		l.hear()
	}
}

// hear does what a line says.
func (l *listener) hear() {
	line, whole := string(l.line), !l.long
	l.line, l.long = l.line[:0], false
	if whole && (l.count(line) || l.say(line)) {
		return
	}
	l.tail.add(line)
	if l.task.Log != nil {
		l.task.Log(line)
	}
}

func (l *listener) count(line string) bool {
	text, found := strings.CutPrefix(line, counterPrefix)
	if !found {
		return false
	}
	group, name, n, err := mapreduce.ParseCounter(text)
	if err == nil {
		l.task.Count(group, name, n)
	}
	return err == nil
}

func (l *listener) say(line string) bool {
	text, found := strings.CutPrefix(line, statusPrefix)
	if found {
		l.task.Say(text)
	}
	return found
}

func (l *listener) close() {
	<-l.done
	_ = l.from.pipe.Close()
}

// tail is the last lines.
type tail struct {
	lines []string
	bytes int
}

func (t *tail) add(line string) {
	line = mapreduce.Abridge(line, maxTail)
	t.lines, t.bytes = append(t.lines, line), t.bytes+len(line)
	for len(t.lines) > maxTailLines || len(t.lines) > 1 && t.bytes > maxTail {
		t.bytes -= len(t.lines[0])
		t.lines = slices.Delete(t.lines, 0, 1)
	}
}

// words is how an error goes on that tells them.
func (t *tail) words() string {
	if len(t.lines) == 0 {
		return ""
	}
	return "; its last words:\n" + strings.ToValidUTF8(strings.Join(t.lines, "\n"), "�")
}
