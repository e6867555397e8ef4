package tcp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jetreduce/internal/original"
	"jetreduce/mapreduce"
)

// retry is how soon an original worker of a test connects again.
const retry = 5 * time.Millisecond

// originals lets original workers run until the scene ends.
func (s *scene) originals(n int, shape func(w *original.Worker)) {
	for i := range n {
		w := original.Worker{ID: fmt.Sprint(i), Addr: s.addr, Retry: retry}
		if shape != nil {
			shape(&w)
		}
		s.running.Go(func() {
			if err := w.Run(s.ctx); err != nil && s.ctx.Err() == nil {
				s.t.Error(err)
			}
		})
	}
}

func TestOriginalWorkersCountExactly(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 4, 16} {
		for _, blob := range []int{64, 1024, 65536} {
			t.Run(fmt.Sprintf("%d workers, %d characters", workers, blob), func(t *testing.T) {
				t.Parallel()
				text := nasty(max(3000, blob/3))
				d := newDriver(t)
				s := newScene(t, Config{Work: d.work, Blob: blob})
				s.originals(workers, func(w *original.Worker) {
					w.Broke = func(cause error) {
						if s.ctx.Err() == nil {
							t.Errorf("a worker's connection broke: %v", cause)
						}
					}
				})
				expectRows(t, d.count(text, 40, 3), sequential(text))
				if failed := d.errors(); len(failed) > 0 {
					t.Error(failed)
				}
				s.end()
			})
		}
	}
}

func TestReferenceTextsCountExactly(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(filepath.Join("..", "..", "shared", "data", "*.txt"))
	if len(files) == 0 {
		t.Skip("no reference texts")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			must(t, err)
			d := newDriver(t)
			s := newScene(t, Config{Work: d.work})
			s.originals(2, nil)
			expectRows(t, d.count(text, 500, 2), sequential(text))
		})
	}
}

func TestWorkersThatDieInTheMiddleCostNothingButTime(t *testing.T) {
	t.Parallel()
	text := nasty(4000)
	d := newDriver(t)
	s := newScene(t, Config{Work: d.work, Blob: 200})
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 1))
	died := 0
	s.originals(8, func(w *original.Worker) {
		w.Lie = func(_ string, reply []byte) ([]byte, bool) {
			mu.Lock()
			defer mu.Unlock()
			if random.IntN(20) > 0 {
				return reply, true
			}
			died++
			return reply[:random.IntN(len(reply)+1)], false
		}
	})
	expectRows(t, d.count(text, 20, 5), sequential(text))
	for _, err := range d.errors() {
		if !errors.Is(err, mapreduce.ErrNotMine) {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if died < 5 || len(d.errors()) == 0 {
		t.Errorf("%d deaths, errors %v", died, d.errors())
	}
	if strings.Contains(s.log.String(), "nonsense") {
		t.Errorf("a death is taken for nonsense:\n%s", s.log)
	}
}

func TestValuesOfAWordAreDealtToSixteenHistograms(t *testing.T) {
	t.Parallel()
	d := newDriver(t)
	s := newScene(t, Config{Work: d.work})
	var mu sync.Mutex
	tasks := map[string]int{}
	s.originals(1, func(w *original.Worker) {
		w.Heard = func(task string) {
			mu.Lock()
			defer mu.Unlock()
			tasks[task]++
		}
	})
	want := map[int]int{1: 1, 2: 1, 3: 2, 16: 15, 40: 15}
	for values, requests := range want {
		groups := map[string][][]byte{"b": {mapreduce.One()}}
		for i := range values {
			groups["a"] = append(groups["a"], binary.AppendVarint(nil, int64(i+1)))
		}
		mu.Lock()
		clear(tasks)
		mu.Unlock()
		var rows pairs
		d.all(func(ctx context.Context, p *Peer) (err error) {
			rows, err = reduceAll(ctx, p.Program(), groups)
			return err
		})
		if got := fmt.Sprint(rows); got != fmt.Sprintf("[{a %d} {b 1}]", values*(values+1)/2) {
			t.Errorf("%d values: %s", values, got)
		}
		mu.Lock()
		if tasks["reduce_request"] != requests {
			t.Errorf("%d values: %v requests, want %d", values, tasks, requests)
		}
		mu.Unlock()
	}
}

func TestLargeReducesGoInBatches(t *testing.T) {
	if testing.Short() {
		t.Skip("it merges 200,000 words: run it without -short")
	}
	t.Parallel()
	groups := map[string][][]byte{}
	for i := range 200_000 {
		groups[fmt.Sprintf("word%x", i)] = [][]byte{mapreduce.One(), binary.AppendVarint(nil, int64(i+1))}
	}
	groups[strings.Repeat("y", 4<<20)] = [][]byte{mapreduce.One(), mapreduce.One(), mapreduce.One()}
	d := newDriver(t)
	s := newScene(t, Config{Work: d.work})
	var mu sync.Mutex
	requests := 0
	s.originals(1, func(w *original.Worker) {
		w.Heard = func(string) {
			mu.Lock()
			defer mu.Unlock()
			requests++
		}
	})
	var rows pairs
	d.all(func(ctx context.Context, p *Peer) (err error) {
		rows, err = reduceAll(ctx, p.Program(), groups)
		return err
	})
	if len(rows) != len(groups) {
		t.Errorf("%d rows, want %d", len(rows), len(groups))
	}
	for _, row := range rows {
		sum := []byte{0}
		for _, value := range groups[row.key] {
			sum = mapreduce.Sum.Combine(sum, value)
		}
		if n, _ := binary.Varint(sum); row.value != fmt.Sprint(n) {
			t.Fatalf("%.20q: %s, want %d", row.key, row.value, n)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if requests < 3 {
		t.Errorf("%d requests", requests)
	}
}

// Inputs are whole: the last word of one does not go on in the next.
func TestInputsAreNotJoined(t *testing.T) {
	t.Parallel()
	config, errs := asked(func(ctx context.Context, p *Peer) error {
		out, err := mapAll(ctx, p.Program(), []mapreduce.Batch{
			{Source: "a", Data: []byte("no end")}, {Source: "b", Data: []byte("less\n")}, {Source: "c", Data: []byte("more")},
		})
		if err == nil && fmt.Sprintf("%q", out) != `[{"end" "\x02"} {"no" "\x02"} {"less" "\x02"} {"more" "\x02"}]` {
			err = fmt.Errorf("%q", out)
		}
		return err
	})
	s := newScene(t, config)
	s.originals(1, nil)
	must(t, await(t, errs))
}

// Originals search for words in the order of their collation.
func TestWhatIsToBeReducedIsSorted(t *testing.T) {
	t.Parallel()
	config, _ := asked(func(ctx context.Context, p *Peer) error {
		groups := map[string][][]byte{}
		for i, word := range []string{"z", "é", "f", "e", "ação", "acb", "\xff", "co-op", "coop"} {
			groups[word] = slices.Repeat([][]byte{mapreduce.One()}, 1+i%3)
		}
		_, err := reduceAll(ctx, p.Program(), groups)
		return err
	})
	s := newScene(t, config)
	r := s.dial()
	r.say(registers)
	m := parsed(t, r.hear())
	for _, histogram := range m.value {
		sorted := slices.IsSortedFunc(histogram, func(a, b Count) int {
			return bytes.Compare(originalOrder(nil, a.Word), originalOrder(nil, b.Word))
		})
		if !sorted || len(histogram) == 0 {
			t.Errorf("%s", appendHistogram(nil, histogram))
		}
	}
}
