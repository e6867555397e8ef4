package tcp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/output"
	"jetreduce/mapreduce/programs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit is how long something may take that happens.
const limit = 60 * time.Second

// huge is for tests of messages of 64 MiB. With -short they are left out: the race detector takes long over them, for no race.
func huge(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes messages of 64 MiB")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wordcount(t testing.TB) mapreduce.Program {
	t.Helper()
	for _, program := range programs.Builtin() {
		if program.Name == "wordcount" {
			return program
		}
	}
	t.Fatal("no word count")
	return mapreduce.Program{}
}

var orders = sync.Pool{New: func() any {
	order, err := output.ParseOrder("original")
	if err != nil {
		panic(err)
	}
	return order
}}

func originalOrder(dst, word []byte) []byte {
	order := orders.Get().(*output.Order)
	defer orders.Put(order)
	return order.AppendKey(dst, word)
}

// journal is a log that a test reads.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
}

func newJournal() *journal { return &journal{news: make(chan struct{}, 1)} }

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	poke(j.news)
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// await waits until the journal holds some words so many times.
func (j *journal) await(t testing.TB, words string, times int) {
	t.Helper()
	late := time.After(limit)
	for strings.Count(j.String(), words) < times {
		select {
		case <-j.news:
		case <-late:
			t.Fatalf("%q is not %d times in the log:\n%s", words, times, j)
		}
	}
}

// scene is a server and who talks to it.
type scene struct {
	t       testing.TB
	ctx     context.Context
	end     context.CancelFunc
	server  *Server
	addr    string
	log     *journal
	running sync.WaitGroup
}

// newScene serves with a configuration, in which what is missing is as usual.
func newScene(t testing.TB, config Config) *scene {
	t.Helper()
	s := &scene{t: t, log: newJournal()}
	s.ctx, s.end = context.WithTimeout(context.Background(), 2*limit)
	config.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	config.Program, config.OrderKey = wordcount(t), originalOrder
	if config.Work == nil {
		config.Work = idle
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.server, s.addr = New(config), listener.Addr().String()
	s.running.Go(func() {
		if err := s.server.Run(s.ctx, listener); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		s.end()
		s.running.Wait()
	})
	return s
}

// idle is a worker's life in which nothing is asked of it.
func idle(ctx context.Context, _ *Peer) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// raw is a client that a test plays.
type raw struct {
	net.Conn
	t      testing.TB
	reader *Reader
}

// pipe is a client whose every byte is taken before the next is written: nothing lies between it and the server.
func (s *scene) pipe(served func(net.Conn) net.Conn) *raw {
	s.t.Helper()
	here, there := net.Pipe()
	s.t.Cleanup(func() { _ = there.Close() })
	must(s.t, there.SetDeadline(time.Now().Add(limit)))
	s.server.admit(s.ctx, served(here))
	return &raw{there, s.t, NewReader(there, MaxFrame)}
}

func (s *scene) dial() *raw {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	must(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	must(s.t, conn.SetDeadline(time.Now().Add(limit)))
	return &raw{conn, s.t, NewReader(conn, MaxFrame)}
}

// say sends text, in which $ is EOT.
func (r *raw) say(text string) {
	r.t.Helper()
	_, err := r.Write([]byte(strings.ReplaceAll(text, "$", "\x04")))
	must(r.t, err)
}

// hear is the next message.
func (r *raw) hear() string {
	r.t.Helper()
	text, err := r.reader.Next()
	must(r.t, err)
	return string(text)
}

// expect is what the next message is to be.
func (r *raw) expect(want string) {
	r.t.Helper()
	if got := r.hear(); got != want {
		r.t.Fatalf("heard %.200s, want %s", got, want)
	}
}

// expectEnd is that the connection ends, and that nothing is said before.
func (r *raw) expectEnd() {
	r.t.Helper()
	text, err := r.reader.Next()
	var late net.Error
	if err == nil || errors.As(err, &late) && late.Timeout() {
		r.t.Fatalf("heard %.200q, error %v, and was to hear the end", text, err)
	}
}
