package processtest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"jetreduce/internal/processtest"
)

// sizes are those of lines: none, around the sizes of blocks and pipes, around a mebibyte, and more than any buffer holds.
var sizes = []int{0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 1<<20 - 1, 1 << 20, 1<<20 + 1, 64 << 20}

// product builds the real binary, in which nothing of the tests is.
func product(t *testing.T) processtest.Binary {
	t.Helper()
	if testing.Short() {
		t.Skip("it links the binary and moves a lot: run it without -short")
	}
	return processtest.Build(t, filepath.Join("..", "..", "cmd", "jetreduce"))
}

// sized is lines of all sizes in no order, of any bytes but LF. Every second one is a key and a value.
func sized(t *testing.T) [][]byte {
	t.Helper()
	source := rand.NewChaCha8([32]byte{8})
	random := rand.New(source)
	lines := make([][]byte, 0, 2*len(sizes))
	for _, size := range sizes {
		for pair := range 2 {
			line := plain(source, size)
			if pair == 1 && size > 0 && size < 64<<20 {
				line[size/2] = '\t'
			}
			lines = append(lines, line)
		}
	}
	lines = lines[:len(lines)-1] // the largest once
	random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return lines
}

// plain is so many bytes, of all but LF and TAB.
func plain(source *rand.ChaCha8, size int) []byte {
	line := make([]byte, size)
	_, _ = source.Read(line) // which cannot fail
	for i, c := range line {
		if c == '\n' || c == '\t' {
			line[i] = 0
		}
	}
	return line
}

// joined is the lines with LF behind each.
func joined(lines [][]byte) []byte { return append(bytes.Join(lines, []byte{'\n'}), '\n') }

// Promise: lines of any size come out as they went in, of commands as of the program that sorts.
func TestLinesOfAnySizePassUnchanged(t *testing.T) {
	t.Parallel()
	m, jetreduce, lines := processtest.NewMachine(t), product(t), sized(t)
	in := filepath.Join(m.Dir(), "in.txt")
	if err := os.WriteFile(in, joined(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(lines, bytes.Compare)
	checkFile(t, m, jetreduce, joined(lines), "sort", in)
	rows := slices.Clone(lines)
	for i, line := range rows {
		if bytes.IndexByte(line, '\t') < 0 {
			rows[i] = append(slices.Clone(line), '\t') // a row has a value, which may be empty
		}
	}
	key := func(row []byte) []byte { return row[:bytes.IndexByte(row, '\t')] }
	slices.SortStableFunc(rows, func(a, b []byte) int { return bytes.Compare(key(a), key(b)) })
	checkFile(t, m, jetreduce, joined(rows), "--map", "cat", "--reduce", "cat", in)
}

// checkFile runs a job in a process of its own, and compares what it has written.
func checkFile(t *testing.T, m *processtest.Machine, jetreduce processtest.Binary, want []byte, args ...string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.tsv")
	run := m.RunAlone(jetreduce, "run", append([]string{"run", "-o", out, "--memory", "512MiB", "--workers", "2"}, args...)...)
	<-run.Over() // however long that takes
	run.Output()
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%.40q: %d bytes, want %d; the lines have %v, want %v", args, len(got), len(want), lengths(got), lengths(want))
	}
}

func lengths(text []byte) (all []int) {
	for line := range bytes.Lines(text) {
		all = append(all, len(line))
	}
	return all
}

// beside is what a process may take besides the memory that it was given for sorting: the code, the bus that it hosts, and what the
// collector lets grow before it looks. 45 MiB were measured, whether the values are 1 or 100 times the bound; it is twice that, for the
// collector comes late on a loaded machine, and a sixteenth of the values.
const beside = 96 << 20

// Promise: a key may have a hundred times as many values as memory was given, on each side.
func TestHotKeyDoesNotGrowBeyondTheMemoryBound(t *testing.T) {
	t.Parallel()
	const bound, times, maps, size = 16 << 20, 100, 16, 100
	const each = bound / size * times / maps
	m, jetreduce := processtest.NewMachine(t), product(t)
	in := filepath.Join(m.Dir(), "in.txt")
	if err := os.WriteFile(in, []byte(strings.Repeat("\n", maps)), 0o600); err != nil {
		t.Fatal(err)
	}
	line := "k\t" + strings.Repeat("v", size-3)
	run := m.RunAlone(jetreduce, "run", "run", in, "--split-size", "1", "--workers", "2", "--memory", strconv.Itoa(bound),
		"--map", fmt.Sprintf("cat >/dev/null; yes '%s' | head -n %d", line, each), "--reduce", "wc -l")
	used := peak(t, run)
	if got, want := strings.TrimSpace(run.Output()), strconv.Itoa(each*maps); got != want {
		t.Errorf("%s values were counted, want %s", got, want)
	}
	t.Logf("at most %d MiB of memory, %d of them allowed for values", used>>20, bound>>20)
	if used > bound+beside {
		t.Errorf("%d MiB of memory were used, want %d at most", used>>20, (bound+beside)>>20)
	}
}

// peak waits until a process has ended, and returns the most memory that it had: of it alone, as the kernel has it. What wait4 tells
// is no less than what this process had when it began the other.
func peak(t *testing.T, p *processtest.Process) (most int64) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-p.Over():
			if most == 0 {
				t.Skip("no /proc here that tells how much memory a process had")
			}
			return most
		case <-look.C:
			most = max(most, highWater(p.Pid()))
		}
	}
}

// highWater is the most memory that a process had so far; 0: nobody knows.
func highWater(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return n << 10
			}
		}
	}
	return 0
}
