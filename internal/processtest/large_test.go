package processtest_test

import (
	"bufio"
	"bytes"
	"errors"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"jetreduce/internal/processtest"
)

// sum is of lines, whatever their order.
type sum struct{ lines, bytes, hash uint64 }

func (s *sum) add(seed maphash.Seed, line []byte) {
	s.lines, s.bytes, s.hash = s.lines+1, s.bytes+uint64(len(line)), s.hash+maphash.Bytes(seed, line)
}

// Promise: sixteen times the memory bound is sorted in memory that does not grow with the input. It takes half a minute and 4 GB of disk:
//
//	JETREDUCE_TEST_LARGE=1 go test -run TestGigabyteIsSorted -v ./internal/processtest
func TestGigabyteIsSorted(t *testing.T) {
	if os.Getenv("JETREDUCE_TEST_LARGE") == "" {
		t.Skip("it writes 4 GB: run it with JETREDUCE_TEST_LARGE=1")
	}
	const bound, beside = 64 << 20, 256 << 20 // 155 MiB were measured: about 36 for each worker, and garbage of a third of the bound
	m, jetreduce, seed := processtest.NewMachine(t), product(t), maphash.MakeSeed()
	in, out := filepath.Join(m.Dir(), "in.txt"), filepath.Join(m.Dir(), "out.txt")
	want := writeLines(t, in, 1<<30, seed)
	began := time.Now()
	run := m.RunAlone(jetreduce, "run", "run", "sort", in, "-o", out, "--memory", "64MiB", "--workers", "2")
	used := peak(t, run)
	t.Logf("%d lines, %d bytes: %s, at most %d MiB of memory", want.lines, want.bytes, time.Since(began).Round(time.Second), used>>20)
	run.Output()
	if got := readSorted(t, out, seed); got != want {
		t.Errorf("the sum is %+v, want %+v", got, want)
	}
	if used > bound+beside {
		t.Errorf("%d MiB of memory were used, want %d at most", used>>20, (bound+beside)>>20)
	}
	checkSorted(t, out)
}

// checkSorted asks sort(1), if there is one.
func checkSorted(t *testing.T, path string) {
	t.Helper()
	sort, err := exec.LookPath("sort")
	if err != nil {
		return
	}
	check := exec.Command(sort, "-c", path)
	check.Env = []string{"LC_ALL=C"}
	if said, err := check.CombinedOutput(); err != nil {
		t.Errorf("sort -c: %v\n%s", err, said)
	}
}

// writeLines writes lines of random letters, 20 to 180 of them.
func writeLines(t *testing.T, path string, size uint64, seed maphash.Seed) (all sum) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	source := rand.NewChaCha8([32]byte{9})
	random, buffered := rand.New(source), bufio.NewWriterSize(file, 1<<20)
	for line := make([]byte, 0, 200); all.bytes < size; {
		line = line[:20+random.IntN(161)]
		_, _ = source.Read(line) // which cannot fail
		for i, c := range line {
			line[i] = 'A' + c%58
		}
		line[len(line)-1] = '\n'
		all.add(seed, line)
		_, _ = buffered.Write(line) // Flush tells
	}
	if err := errors.Join(buffered.Flush(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return all
}

// readSorted reads lines and makes sure that they are in the order of their bytes.
func readSorted(t *testing.T, path string, seed maphash.Seed) (all sum) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	buffered := bufio.NewReaderSize(file, 1<<20)
	var last []byte
	for {
		line, err := buffered.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if all.add(seed, line); bytes.Compare(line, last) < 0 && all.lines > 1 {
			t.Fatalf("line %d, %q, is behind %q", all.lines, line, last)
		}
		last = append(last[:0], line...)
	}
}
