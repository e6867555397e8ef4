package chaos

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// journal is what happened in a run, and when.
type journal struct {
	began atomic.Pointer[time.Time]
	file  *os.File

	mu      sync.Mutex
	entries []string
	wrong   []string
	counts  map[Kind]int
}

func newJournal(dir string) (*journal, error) {
	file, err := os.Create(filepath.Join(dir, "faults.log"))
	j := &journal{file: file, counts: map[Kind]int{}}
	j.restart()
	return j, err
}

// restart starts the clock again.
func (j *journal) restart() {
	now := time.Now()
	j.began.Store(&now)
}

func (j *journal) elapsed() time.Duration { return time.Since(*j.began.Load()) }

// note keeps what happened.
func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(fmt.Sprintf(format, args...))
}

func (j *journal) add(what string) {
	entry := fmt.Sprintf("%8.3f %s %s", j.elapsed().Seconds(), time.Now().UTC().Format("15:04:05.000"), what)
	j.entries = append(j.entries, entry)
	fmt.Fprintln(j.file, entry)
}

// fault keeps that a fault was done to someone.
func (j *journal) fault(kind Kind, format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.counts[kind]++
	j.add(fmt.Sprintf(format, args...))
}

// complain keeps what should not have happened.
func (j *journal) complain(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
	j.add("WRONG: " + j.wrong[len(j.wrong)-1])
}

// complaints is all that should not have happened.
func (j *journal) complaints() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.wrong...)
}

// print writes all of it.
func (j *journal) print(w io.Writer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, entry := range j.entries {
		fmt.Fprintln(w, entry)
	}
}

func (j *journal) close() { _ = j.file.Close() }
