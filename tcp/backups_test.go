package tcp

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"jetreduce/internal/original"
)

const announces = `{"task":"reg_backup","addr":["127.0.0.1",%d]}$`

func TestWorkersAreToldOfTheLatestBackup(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{NewsEvery: time.Millisecond})
	worker, first, second := s.dial(), s.dial(), s.dial()
	worker.say(registers)
	s.log.await(t, "worker registered", 1)
	expect := func(r *raw, port int) {
		t.Helper()
		if got, want := r.hear(), fmt.Sprintf(`{"task":"reg_backup","value":["127.0.0.1",%d]}`, port); got != want {
			t.Fatalf("told %s, want %s", got, want)
		}
	}
	first.say(fmt.Sprintf(announces, 1))
	expect(worker, 1)
	second.say(fmt.Sprintf(announces, 2))
	expect(worker, 2)
	later := s.dial()
	later.say(registers)
	expect(later, 2)
	must(t, second.Close())
	expect(worker, 1)
	expect(later, 1)
	if n := s.server.Backups(); n != 1 {
		t.Errorf("%d backups", n)
	}
}

// A worker that cannot be told of a backup is let go: it does not stay without work.
func TestWorkerThatCannotBeToldOfABackupIsLetGo(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{})
	s.server.install(&standby{addr: Addr{Host: strings.Repeat("\xff", MaxFrame/6)}}) // no message holds it
	r := s.dial()
	r.say(registers)
	r.expectEnd()
	s.log.await(t, "message too large", 1)
	s.awaitConns(0)
}

// Original workers break when two messages come in one read. So none do while backups come and go.
func TestOriginalWorkersAreNotBrokenByBackups(t *testing.T) {
	t.Parallel()
	text := nasty(4000)
	d := newDriver(t)
	s := newScene(t, Config{Work: d.work, Blob: 400, NewsEvery: time.Millisecond, pause: 2 * time.Second}) // this machine may be slow
	var mu sync.Mutex
	told := 0
	s.originals(3, func(w *original.Worker) {
		w.Heard = func(task string) {
			mu.Lock()
			defer mu.Unlock()
			if task == regBackup {
				told++
			}
		}
		w.Broke = func(cause error) {
			if s.ctx.Err() == nil {
				t.Errorf("a worker's connection broke: %v", cause)
			}
		}
	})
	for port := range 4 {
		s.dial().say(fmt.Sprintf(announces, port+1))
		s.log.await(t, "backup registered", port+1)
		expectRows(t, d.count(text, 20, 3), sequential(text))
	}
	mu.Lock()
	defer mu.Unlock()
	if told < 6 {
		t.Errorf("told %d times", told)
	}
	s.end()
}

func TestBackupsGetTheLatestUpdate(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{})
	s.server.Update(1, []Histogram{{{[]byte("a"), 1}}})
	updates := make(chan string, 10)
	b := &original.Backup{Addr: s.addr, Announce: "127.0.0.1:8766", Updated: func(index int, value []original.Histogram) {
		updates <- fmt.Sprint(index, value)
	}}
	s.running.Go(func() {
		if err := b.Run(s.ctx); err != nil {
			t.Error(err)
		}
	})
	expect := func(want string) {
		t.Helper()
		for {
			select {
			case got := <-updates:
				if got == want {
					return
				}
			case <-time.After(limit):
				t.Fatalf("no update %s", want)
			}
		}
	}
	expect("1 [[{a 1}]]")
	for i := 2; i < 20; i++ {
		s.server.Update(i, []Histogram{{{[]byte("é"), int64(i)}}, {}})
	}
	expect("19 [[{é 19}] []]")
	if got := s.server.Backups(); got != 1 {
		t.Errorf("%d backups, want 1", got)
	}
	native := s.dial()
	native.say(`{"task":"reg_backup","addr":["127.0.0.1",5],"native":true}$`)
	s.log.await(t, "backup registered", 2)
	if got := s.server.Backups(); got != 1 {
		t.Errorf("%d backups that are not native, want 1", got)
	}
	s.server.Update(20, nil)
	expect("20 []")
	s.end()
	s.running.Wait()
	if text, err := native.reader.Next(); err == nil {
		t.Errorf("a native backup was told %s", text)
	}
}

func TestSlowBackupSkipsUpdates(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{})
	slow := s.dial()
	slow.say(fmt.Sprintf(announces, 1))
	s.log.await(t, "backup registered", 1)
	large := Histogram{{bytes.Repeat([]byte("x"), 16<<20), 1}}
	for i := range 20 {
		s.server.Update(i, []Histogram{large})
	}
	seen := 0
	var m message
	for m.index < 19 {
		text, err := slow.reader.Next()
		must(t, err)
		must(t, m.parse(text))
		seen++
	}
	if seen > 3 {
		t.Errorf("%d updates", seen)
	}
}

func TestUpdateThatFitsNoMessageIsLeftOut(t *testing.T) {
	t.Parallel()
	huge(t)
	s := newScene(t, Config{})
	b := s.dial()
	b.say(fmt.Sprintf(announces, 1))
	s.server.Update(1, []Histogram{{{bytes.Repeat([]byte("\xff"), MaxFrame/6), 1}}})
	s.log.await(t, "update not sent", 1)
	s.server.Update(2, nil)
	if got := b.hear(); got != `{"task":"update","value":[],"index":2}` {
		t.Errorf("heard %.100s", got)
	}
}
