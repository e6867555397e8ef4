package original

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const limit = 60 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func counted(text string) map[string]int64 {
	var words programs.Words
	words.Reset([]byte(prose))
	counts := map[string]int64{}
	for word := words.Next(); word != nil; word = words.Next() {
		counts[string(word)]++
	}
	return counts
}

var prose = strings.Repeat("Que não é a razão, é o que é.\r\nOs \xff😀 e os e coop co-op ΣΟΦΟΣ\rs\n", 300)

func TestStringsGoThereAndBack(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"a é 😀":                   `"a \u00e9 \ud83d\ude00"`,
		"\xff\xed\xa0\x80\uFFFD":  `"\udcff\udced\udca0\udc80\ufffd"`,
		"\"\\/\n\r\t\b\f\x00\x7f": `"\"\\/\n\r\t\b\f\u0000\u007f"`,
	} {
		if got := dumps(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
		var back text
		must(t, json.Unmarshal([]byte(want), &back))
		if string(back) != s {
			t.Errorf("%s: %q, want %q", want, back, s)
		}
	}
	got := string(frame("task", "reduce_request", "value", []Histogram{{{"a", 1}, {"b", 2}}, nil}))
	if want := `{"task": "reduce_request", "value": [[["a", 1], ["b", 2]], []]}` + "\x04"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func newCollator(t *testing.T) collator {
	t.Helper()
	order, err := output.ParseOrder("original")
	must(t, err)
	return collator{order, map[string]string{}}
}

func TestReduceHasItsWeaknesses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ a, b, want Histogram }{
		"sorted":                 {Histogram{{"a", 1}, {"a", 1}, {"b", 2}}, Histogram{{"b", 3}, {"c", 4}}, Histogram{{"a", 2}, {"b", 5}, {"c", 4}}},
		"a repeat that counts 5": {Histogram{{"a", 5}, {"a", 5}}, nil, Histogram{{"a", 6}}},
		"not sorted":             {Histogram{{"c", 1}, {"b", 1}, {"a", 1}}, Histogram{{"a", 1}}, Histogram{{"a", 1}, {"a", 1}, {"b", 1}, {"c", 1}}},
	} {
		if got := reduced(c.a, c.b, newCollator(t)); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// served runs a worker and plays its coordinator: each chunk is one segment, and is sent when the one before has been read.
func served(t *testing.T, chunks ...string) (ended, broke error) {
	t.Helper()
	here, there := net.Pipe()
	var both sync.WaitGroup
	both.Go(func() {
		broke = Worker{ID: "1"}.serve(t.Context(), there, newCollator(t))
	})
	_, err := receive(here)
	must(t, err)
	for _, chunk := range chunks {
		if _, err := here.Write([]byte(chunk)); err != nil {
			ended = err
		}
	}
	_ = here.SetReadDeadline(time.Now().Add(limit))
	if ended == nil {
		_, ended = receive(here)
	}
	_ = here.Close()
	both.Wait()
	return ended, broke
}

func TestWorkerReadsAsTheOriginalDoes(t *testing.T) {
	t.Parallel()
	request := `{"task":"map_request","blob":"a é"}` + "\x04"
	if ended, broke := served(t, request); ended != nil || errors.Is(broke, ErrDecode) {
		t.Errorf("a request: %v, %v", ended, broke)
	}
	if ended, broke := served(t, request[:10], request[10:]); ended != nil || errors.Is(broke, ErrDecode) {
		t.Errorf("a request in two: %v, %v", ended, broke)
	}
	at := strings.Index(request, "é") + 1
	if _, broke := served(t, request[:at], request[at:]); !errors.Is(broke, ErrDecode) {
		t.Errorf("a character in two: %v", broke)
	}
	var syntax *json.SyntaxError
	if _, broke := served(t, request+request); !errors.As(broke, &syntax) {
		t.Errorf("two requests in one: %v", broke)
	}
	if _, broke := served(t, request+"{", "}\x04"); !errors.As(broke, &syntax) {
		t.Errorf("bytes behind an EOT: %v", broke)
	}
}

func TestWorkerGivesUp(t *testing.T) {
	t.Parallel()
	listener := listenLocal(t)
	must(t, listener.Close())
	if err := (Worker{Addr: listener.Addr().String(), Retry: time.Millisecond}).Run(t.Context()); !errors.Is(err, ErrNobody) {
		t.Error(err)
	}
}

func TestOriginalsCountExactlyAmongThemselves(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 4} {
		listener := listenLocal(t)
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		var all sync.WaitGroup
		for i := range workers {
			replies := 0
			w := Worker{ID: fmt.Sprint(i), Addr: listener.Addr().String(), Retry: time.Millisecond, Tries: 1 << 30}
			w.Lie = func(_ string, reply []byte) ([]byte, bool) {
				replies++
				return reply, replies%10 > 0 || i == 0 // hangs up when it has replied
			}
			all.Go(func() { _ = w.Run(ctx) })
		}
		got, err := (&Coordinator{Text: []byte(prose), Blob: 300}).Run(ctx, listener)
		cancel()
		all.Wait()
		if err != nil || !maps.Equal(got, counted(prose)) {
			t.Errorf("%d workers: %d words, %v", workers, len(got), err)
		}
	}
}

func TestBackupTakesOver(t *testing.T) {
	t.Parallel()
	listener := listenLocal(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	first, kill := context.WithCancel(ctx)
	freed := make(chan struct{})
	all.Go(func() {
		defer close(freed) // the port
		_, _ = (&Coordinator{Text: []byte(prose), Blob: 300}).Run(first, listener)
	})
	backup := &Backup{Addr: listener.Addr().String(), Announce: "127.0.0.1:8766", Updated: func(index int, _ []Histogram) {
		if index >= 5 {
			kill()
		}
	}}
	replies := 0
	hesitant := Worker{ID: "1", Addr: listener.Addr().String(), Retry: time.Millisecond, Tries: 1 << 30}
	hesitant.Lie = func(_ string, reply []byte) ([]byte, bool) {
		if replies++; replies == 10 {
			<-first.Done()
		}
		return reply, true
	}
	all.Go(func() { _ = hesitant.Run(ctx) })
	must(t, backup.Run(ctx))
	<-freed
	again, err := net.Listen("tcp", listener.Addr().String())
	must(t, err)
	got, err := backup.TakeOver(ctx, again, []byte(prose), 300)
	if index, _ := backup.Latest(); err != nil || !maps.Equal(got, counted(prose)) || index < 5 {
		t.Errorf("%d words from blob %d on, %v", len(got), index, err)
	}
}
