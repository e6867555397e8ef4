package streaming_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs/streaming"
)

// deadline is for what must happen: a test that gets there has failed.
const deadline = time.Minute

// fifo is a named pipe, and its reading end. Who holds the other end lives as long as nothing ends it.
func fifo(t *testing.T, dir, name string) *os.File {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	// not blocking: opening it waits for nobody
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if err := file.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	return file
}

// writing is the writing end of a named pipe. It stays open: who opens the other end waits for that.
func writing(t *testing.T, dir, name string) *os.File {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// firstLine waits for a line that somebody writes.
func firstLine(t *testing.T, from *os.File) (*bufio.Reader, string) {
	t.Helper()
	reader := bufio.NewReader(from)
	for {
		text, err := reader.ReadString('\n')
		if err == nil {
			return reader, strings.TrimSpace(text)
		}
		if !errors.Is(err, io.EOF) || text != "" {
			t.Fatalf("no word: %q, %v", text, err)
		}
		runtime.Gosched() // nobody has opened it yet
	}
}

// ended waits until nobody has the other end any more.
func ended(t *testing.T, from io.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(from); err != nil {
		t.Fatalf("a process is still there: %q, %v", rest, err)
	}
}

// held is a command that holds the FIFO, says ready, and then waits for ever whatever becomes of its stdin.
const held = `exec 9> held; echo ready >&9; exec 8< never`

// mapping has a mapper take one batch in a goroutine of its own.
func mapping(t *testing.T, d *driver) (err <-chan error, mapper mapreduce.Mapper) {
	t.Helper()
	mapper, failure := streaming.Program(d.commands, d.config).Mapper(nil)
	if failure != nil {
		t.Fatal(failure)
	}
	result := make(chan error, 1)
	go func() {
		out := &sink{open: true}
		err := mapper.Map(d.ctx, mapreduce.Batch{Source: "a", Data: []byte("x\n")}, out)
		if err == nil {
			err = mapper.(mapreduce.Flusher).Flush(d.ctx, out)
		}
		result <- err
	}()
	return result, mapper
}

func result(t *testing.T, err <-chan error) error {
	t.Helper()
	select {
	case err := <-err:
		return err
	case <-time.After(deadline):
		t.Fatal("the attempt does not end")
		return nil
	}
}

// An attempt that ends takes its processes along, the polite and the impolite ones, and their children.
func TestCancelledAttemptLeavesNoProcess(t *testing.T) {
	for name, command := range map[string]string{
		"one that ends at TERM":       held,
		"one that ignores TERM":       `trap '' TERM; ` + held,
		"one in a pipeline":           `cat | (` + held + `) | cat`,
		"one in the background":       `(` + held + `) & exec 8< never`,
		"one that has closed its own": `exec >&- 2>&-; ` + held,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDriver(t, mapOnly(command))
			d.config.Grace = 50 * time.Millisecond
			holder := fifo(t, d.task.Dir, "held")
			fifo(t, d.task.Dir, "never")
			over := errors.New("nobody needs it any more")
			ctx, cancel := context.WithCancelCause(d.ctx)
			d.ctx = ctx
			failed, _ := mapping(t, d)
			reader, _ := firstLine(t, holder)
			cancel(over)
			if err := result(t, failed); !errors.Is(err, over) {
				t.Errorf("%v, want that nobody needs it", err)
			}
			ended(t, reader)
		})
	}
}

// A process that is told to end may do so as it likes, and is heard.
func TestCommandIsToldToEndBeforeItIsKilled(t *testing.T) {
	d := newDriver(t, mapOnly(`trap 'echo farewell >&2; exit 1' TERM; exec 9> held; echo ready >&9; while :; do :; done`))
	holder := fifo(t, d.task.Dir, "held")
	d.config.Grace = deadline
	ctx, cancel := context.WithCancel(d.ctx)
	d.ctx = ctx
	failed, _ := mapping(t, d)
	firstLine(t, holder)
	cancel()
	if err := result(t, failed); !errors.Is(err, context.Canceled) || d.log.String() != "farewell\n" {
		t.Errorf("%v, log %q", err, d.log.String())
	}
}

// What is closed in the middle of an input leaves nothing.
func TestClosedMapperLeavesNoProcess(t *testing.T) {
	d := newDriver(t, mapOnly(`trap '' TERM; `+held))
	d.config.Grace = time.Millisecond
	holder := fifo(t, d.task.Dir, "held")
	fifo(t, d.task.Dir, "never")
	mapper, _ := streaming.Program(d.commands, d.config).Mapper(nil)
	if err := mapper.Map(d.ctx, mapreduce.Batch{Source: "a", Data: []byte("x\n")}, &sink{open: true}); err != nil {
		t.Fatal(err)
	}
	reader, _ := firstLine(t, holder)
	for range 2 {
		if err := mapper.(io.Closer).Close(); err != nil {
			t.Fatal(err)
		}
	}
	ended(t, reader)
}

// A command ends with its first process. What that has left running does not hang the attempt, and is killed; what it wrote counts.
func TestLeftoversAreKilledAndTheirOutputCounts(t *testing.T) {
	for name, command := range map[string]string{
		"they hold its output":   `(printf 'early\n'; exec 9> held; echo ready >&9; exec 8< never) & read -r go < done`,
		"they hold its stderr":   `(printf 'early\n'; exec 9> held >&-; echo ready >&9; exec 8< never) & read -r go < done`,
		"they hold nothing":      `printf 'early\n'; (exec 9> held >&- 2>&-; echo ready >&9; exec 8< never) & read -r go < done`,
		"they hold its input":    `exec 7<&0; (printf 'early\n'; exec 9> held 0<&7 >&- 2>&-; echo ready >&9; exec 8< never) & read -r go < done`,
		"they have left a group": `setsid sh -c "printf 'early\n'; exec 9> held; echo ready >&9; exec 8< never" & read -r go < done`,
	} {
		t.Run(name, func(t *testing.T) { leftovers(t, command) })
	}
}

func leftovers(t *testing.T, command string) {
	escapes := strings.HasPrefix(command, "setsid")
	if _, err := exec.LookPath("setsid"); err != nil && escapes {
		t.Skip("no setsid here")
	}
	d := newDriver(t, mapOnly(command))
	d.config.Grace = time.Millisecond
	holder := fifo(t, d.task.Dir, "held")
	fifo(t, d.task.Dir, "never")
	fifo(t, d.task.Dir, "done")
	end := writing(t, d.task.Dir, "done")
	ends := make(chan struct{})
	var reader io.Reader
	go func() { // the first process ends when the other has begun
		defer close(ends)
		reader, _ = firstLine(t, holder)
		if _, err := end.WriteString("go\n"); err != nil {
			t.Error(err)
		}
	}()
	rows, err := d.run(t, claim{inputs: one(strings.Repeat("abc\n", mib))})
	<-ends
	if err != nil || string(rows) != "early\n" {
		t.Errorf("rows %q, %v", rows, err)
	}
	if escapes { // it is not found again: the test ends it
		writing(t, d.task.Dir, "never")
	}
	ended(t, reader)
}

// A line without end is refused before it fills the memory.
func TestEndlessLineIsRefused(t *testing.T) {
	d := newDriver(t, mapOnly("cat"))
	d.config.MaxLine = mib
	if _, err := d.run(t, claim{inputs: one(line(mib))}); err != nil {
		t.Error(err)
	}
	_, err := d.run(t, claim{inputs: one(line(mib + 1))})
	if err == nil || !strings.Contains(err.Error(), "a line of more than 1048576 bytes") {
		t.Errorf("%v, want that the line is too long", err)
	}
}

func TestCommandWithoutItsDirectoryIsNotStarted(t *testing.T) {
	d := newDriver(t, pairs("cat", "cat"))
	d.task.Dir += "/none"
	_, err := d.run(t, claim{inputs: one("x\n")})
	if err == nil || !strings.Contains(err.Error(), `start map command "cat" on a from byte 0: `) {
		t.Errorf("%v", err)
	}
}

// A piece ends where the next batch does not go on with it: what a process is told about its input holds for all that it reads.
func TestBatchThatDoesNotContinueHasAnotherProcess(t *testing.T) {
	d := newDriver(t, mapOnly(`printf '%s ' "$JETREDUCE_OFFSET"; wc -l | sed 's/ //g'`))
	mapper, _ := streaming.Program(d.commands, d.config).Mapper(nil)
	out := sink{open: true}
	for _, offset := range []int64{10, 12, 100} {
		if err := mapper.Map(d.ctx, mapreduce.Batch{Source: "a", Offset: offset, Data: []byte("x\n")}, &out); err != nil {
			t.Fatal(err)
		}
	}
	if err := mapper.(mapreduce.Flusher).Flush(d.ctx, &out); err != nil {
		t.Fatal(err)
	}
	if rows := string(out.rows(true)); rows != "10 2\n100 1\n" {
		t.Errorf("rows %q", rows)
	}
}

// Blank lines are no records of these kinds: no batch has them, and what stands behind them is of the same piece.
func TestPieceGoesOnBehindBlankLines(t *testing.T) {
	for records, want := range map[mapreduce.Records]string{mapreduce.NDJSON: "10 3\n5 1\n", mapreduce.CSVHeader: "10 3\n5 1\n",
		mapreduce.Lines: "10 1\n13 1\n20 1\n5 1\n"} {
		d := newDriver(t, mapOnly(`printf '%s ' "$JETREDUCE_OFFSET"; wc -l | sed 's/ //g'`))
		mapper, _ := streaming.Program(d.commands, d.config).Mapper(nil)
		out := sink{open: true}
		for _, offset := range []int64{10, 13, 20, 5} { // the last one is of another piece
			if err := mapper.Map(d.ctx, mapreduce.Batch{Source: "a", Offset: offset, Data: []byte("1\n"), Records: records}, &out); err != nil {
				t.Fatal(err)
			}
		}
		if err := mapper.(mapreduce.Flusher).Flush(d.ctx, &out); err != nil {
			t.Fatal(err)
		}
		if rows := string(out.rows(true)); rows != want {
			t.Errorf("%s: rows %q, want %q", records, rows, want)
		}
	}
}
