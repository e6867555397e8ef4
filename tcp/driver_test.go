package tcp

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// driver has tasks done by whatever workers there are. One that fails is done again, by any.
type driver struct {
	t     testing.TB
	tasks chan func(ctx context.Context, p *Peer) error
	open  sync.WaitGroup

	mu     sync.Mutex
	failed []error
}

func newDriver(t testing.TB) *driver {
	return &driver{t: t, tasks: make(chan func(context.Context, *Peer) error, 10_000)}
}

// work is Config.Work.
func (d *driver) work(ctx context.Context, p *Peer) error {
	for {
		select {
		case task := <-d.tasks:
			if err := task(ctx, p); err != nil {
				d.mu.Lock()
				d.failed = append(d.failed, err)
				d.mu.Unlock()
				d.tasks <- task
				return err
			}
			d.open.Done()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// all waits until tasks are done.
func (d *driver) all(tasks ...func(ctx context.Context, p *Peer) error) {
	d.t.Helper()
	d.open.Add(len(tasks))
	for _, task := range tasks {
		d.tasks <- task
	}
	done := make(chan struct{})
	go func() {
		d.open.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(limit):
		d.t.Fatalf("not done: %v", d.errors())
	}
}

func (d *driver) errors() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.failed)
}

// pairs is what a mapper or a reducer emits.
type pairs []struct{ key, value string }

func (p *pairs) Emit(key, value []byte) {
	*p = append(*p, struct{ key, value string }{string(key), string(value)})
}

// count has a text counted, in batches of so many lines, and is the rows.
func (d *driver) count(text []byte, lines, partitions int) map[string]string {
	d.t.Helper()
	batches := inLines(text, lines)
	mapped := make([]pairs, len(batches))
	var tasks []func(context.Context, *Peer) error
	for i := 0; i < len(batches); i += 2 { // an attempt maps two
		tasks = append(tasks, func(ctx context.Context, p *Peer) (err error) {
			mapped[i], err = mapAll(ctx, p.Program(), batches[i:min(i+2, len(batches))])
			return err
		})
	}
	d.all(tasks...)
	rows := make([]pairs, partitions)
	tasks = nil
	for r, groups := range grouped(mapped, partitions) {
		tasks = append(tasks, func(ctx context.Context, p *Peer) (err error) {
			rows[r], err = reduceAll(ctx, p.Program(), groups)
			return err
		})
	}
	d.all(tasks...)
	sum := map[string]string{}
	for _, row := range slices.Concat(rows...) {
		if _, twice := sum[row.key]; twice {
			d.t.Errorf("two rows for %q", row.key)
		}
		sum[row.key] = row.value
	}
	return sum
}

func inLines(text []byte, most int) (batches []mapreduce.Batch) {
	var data []byte
	n := 0
	for line := range strings.Lines(string(text)) {
		data = append(data, line...)
		if n++; n%most == 0 {
			batches, data = append(batches, mapreduce.Batch{Source: "a", Data: data}), nil
		}
	}
	return append(batches, mapreduce.Batch{Source: "a", Data: data})
}

func mapAll(ctx context.Context, program mapreduce.Program, batches []mapreduce.Batch) (out pairs, err error) {
	mapper, err := program.Mapper(nil)
	for _, batch := range batches {
		if err == nil {
			err = mapper.Map(ctx, batch, &out)
		}
	}
	if flusher, is := mapper.(mapreduce.Flusher); is && err == nil {
		err = flusher.Flush(ctx, &out)
	}
	return out, err
}

func reduceAll(ctx context.Context, program mapreduce.Program, groups map[string][][]byte) (out pairs, err error) {
	reducer, err := program.Reducer(nil)
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		if err == nil {
			err = reducer.Reduce(ctx, []byte(key), slices.Values(groups[key]), &out)
		}
	}
	if flusher, is := reducer.(mapreduce.Flusher); is && err == nil {
		err = flusher.Flush(ctx, &out)
	}
	return out, err
}

// grouped deals words out to partitions. The values of a word in one map are added up, as the combiner does.
func grouped(mapped []pairs, partitions int) []map[string][][]byte {
	parts := make([]map[string][][]byte, partitions)
	for i := range parts {
		parts[i] = map[string][][]byte{}
	}
	for _, pairs := range mapped {
		sums := map[string][]byte{}
		for _, pair := range pairs {
			if sums[pair.key] == nil {
				sums[pair.key] = []byte{0}
			}
			sums[pair.key] = mapreduce.Sum.Combine(sums[pair.key], []byte(pair.value))
		}
		for word, value := range sums {
			part := parts[len(word)%partitions]
			part[word] = append(part[word], value)
		}
	}
	return parts
}

// sequential is the counts as they must be.
func sequential(text []byte) map[string]string {
	var words programs.Words
	words.Reset(text)
	counts := map[string]int{}
	for word := words.Next(); word != nil; word = words.Next() {
		counts[string(word)]++
	}
	rows := map[string]string{}
	for word, n := range counts {
		rows[word] = fmt.Sprint(n)
	}
	return rows
}

func expectRows(t testing.TB, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for word, n := range want {
		if got[word] != n {
			t.Fatalf("%q: %s, want %s", word, got[word], n)
		}
	}
}

// nasty is a text of so many words with all that is hard.
func nasty(words int) []byte {
	random := rand.New(rand.NewPCG(1, uint64(words)))
	some := []string{
		"e", "é", "É", "Ação", "acao", "AÇÃO", "😀", "x😀y", "\xff", "a\xc31\xa9", "\xed\xa0\x80", "ΣΟΦΟΣ", "σας", "İstanbul",
		"don't", "—", "“so”", "123", "co-op", "coop", "\"", "\\", "\x00", "\u2028b", "\uFEFFbom", "\u00a0nbsp", "\x1cfs", "ß", "ǅ", "\x7f",
	}
	for i := range 200 {
		some = append(some, fmt.Sprintf("w%c%c", 'a'+i%26, 'a'+i/26))
	}
	spaces := []string{" ", " ", " ", "  ", "\n", "\r\n", "\r", "\t", "\u00a0", "\u3000", "\u0085", "\r\n\r\n"}
	var text []byte
	for range words {
		text = append(append(text, some[random.IntN(len(some))]...), spaces[random.IntN(len(spaces))]...)
	}
	return append(text, "end"...)
}
