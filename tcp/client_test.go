package tcp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"jetreduce/internal/original"
)

func (s *scene) client(id string, length bool) Client {
	return Client{Addr: s.addr, ID: id, Length: length, Program: wordcount(s.t), OrderKey: originalOrder, Retry: retry}
}

func TestOurWorkersCountExactlyForUs(t *testing.T) {
	t.Parallel()
	for _, length := range []bool{false, true} {
		text := nasty(5000)
		d := newDriver(t)
		s := newScene(t, Config{Work: d.work, Blob: 300})
		for i := range 3 {
			s.running.Go(func() {
				if err := s.client(fmt.Sprint(i), length).Run(s.ctx); err != nil {
					t.Error(err)
				}
			})
		}
		expectRows(t, d.count(text, 30, 3), sequential(text))
		if failed := d.errors(); len(failed) > 0 {
			t.Error(failed)
		}
	}
}

func TestOurWorkersCountExactlyForAnOriginal(t *testing.T) {
	t.Parallel()
	text := nasty(5000)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &scene{t: t, ctx: ctx, end: cancel, addr: listener.Addr().String()}
	s.running.Go(func() { _ = s.client("ours", true).Run(ctx) })
	s.originals(2, func(w *original.Worker) { w.Tries = 1 << 30 })
	counts, err := (&original.Coordinator{Text: text, Blob: 700}).Run(ctx, listener)
	must(t, err)
	rows := map[string]string{}
	for word, n := range counts {
		rows[word] = fmt.Sprint(n)
	}
	expectRows(t, rows, sequential(text))
	cancel()
	s.running.Wait()
}

func TestOurRepliesAreThoseOfAnOriginal(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	s := &scene{t: t, ctx: ctx, end: cancel, addr: listener.Addr().String()}
	defer s.running.Wait()
	defer cancel()
	s.running.Go(func() { _ = s.client("x\xff", false).Run(ctx) })
	conn, err := listener.Accept()
	must(t, err)
	defer conn.Close()
	r := &raw{conn, t, NewReader(conn, MaxFrame)}
	for _, turn := range [][2]string{
		{``, `{"task":"register","id":"x\udcff"}`},
		{`{"task":"reg_backup","value":["h",1]}$ {"task":"map_request","blob":"b É\nzé éa É! a \udcff"}$`,
			`{"task":"map_reply","value":[["a",1],["b",1],["\u00e9",1],["\u00e9",1],["\u00e9a",1],["z\u00e9",1],["\udcff",1]]}`},
		{`{"task":"reduce_request","value":[[["b",2],["a",1],["b",3]],[]]}$`, `{"task":"reduce_reply","value":[["a",1],["b",5]]}`},
		{`{"task":"reduce_request","value":[[],[]]}$`, `{"task":"reduce_reply","value":[]}`},
		{`{"task":"map_request","blob":""}$`, `{"task":"map_reply","value":[]}`},
	} {
		r.say(turn[0])
		if got := r.hear(); !sameWords(got, turn[1]) {
			t.Errorf("%s: %s, want %s", turn[0], got, turn[1])
		}
	}
}

// sameWords compares replies whatever their order is: that is the collation's.
func sameWords(got, want string) bool {
	var a, b message
	if a.parse([]byte(got)) != nil || b.parse([]byte(want)) != nil || a.task != b.task || a.id != b.id || len(a.value) != len(b.value) {
		return false
	}
	for i := range a.value {
		if len(a.value[i]) != len(b.value[i]) || of(a.value[i]) != of(b.value[i]) {
			return false
		}
		for at := 1; at < len(a.value[i]); at++ {
			before, after := originalOrder(nil, a.value[i][at-1].Word), originalOrder(nil, a.value[i][at].Word)
			if string(before) > string(after) {
				return false
			}
		}
	}
	return true
}

func TestClientConnectsAgainAndGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	log, ended := newJournal(), make(chan error, 1)
	c := Client{Addr: listener.Addr().String(), ID: "1", Program: wordcount(t), OrderKey: originalOrder, Retry: time.Millisecond}
	c.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	go func() { ended <- c.Run(ctx) }()
	take := func() {
		conn, err := listener.Accept()
		must(t, err)
		_, err = NewReader(conn, MaxFrame).Next()
		must(t, err)
		must(t, conn.Close())
	}
	for range 12 { // more often than it may fail to connect
		take()
	}
	must(t, listener.Close())
	log.await(t, "not connected", 3)
	listener, err = net.Listen("tcp", c.Addr)
	must(t, err)
	take()
	before := strings.Count(log.String(), "not connected")
	must(t, listener.Close())
	if err := await(t, ended); err == nil || !strings.Contains(err.Error(), "tried 10 times") {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "not connected"); n != before+9 {
		t.Errorf("not connected %d times, %d of them before", n, before)
	}
}

func TestStandbyStaysUntilTheServerIsGone(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{})
	registered, ended := make(chan error, 1), make(chan error, 1)
	canceled, cancel := context.WithCancel(s.ctx)
	defer cancel()
	go func() { ended <- Standby(canceled, s.addr, Addr{"127.0.0.1", 9}, func() { registered <- nil }) }()
	must(t, await(t, registered))
	s.log.await(t, "backup registered", 1)
	if n := s.server.Backups(); n != 0 {
		t.Errorf("%d backups want updates", n)
	}
	cancel()
	if err := await(t, ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	go func() { ended <- Standby(t.Context(), s.addr, Addr{"127.0.0.1", 9}, func() {}) }()
	s.log.await(t, "backup registered", 2)
	s.end()
	must(t, await(t, ended))
}

// Who is not reached keeps no backup: that error comes without a registration, also when the time for it has run out.
func TestStandbyThatReachesNobodyHasNotRegistered(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := listener.Addr().String()
	over, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	registered := func() { t.Error("it says that it has registered") }
	if err := Standby(over, addr, Addr{"h", 1}, registered); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	must(t, listener.Close())
	if err := Standby(t.Context(), addr, Addr{"h", 1}, registered); err == nil {
		t.Error("nobody is there, and no error")
	}
}

// An original sends updates: they are no reason to leave it. What is no message is.
func TestStandbyOfAnOriginalStaysThroughUpdates(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	ended := make(chan error, 1)
	go func() { ended <- Standby(t.Context(), listener.Addr().String(), Addr{"127.0.0.1", 9}, func() {}) }()
	conn, err := listener.Accept()
	must(t, err)
	defer conn.Close()
	r := &raw{conn, t, NewReader(conn, MaxFrame)}
	if got, want := r.hear(), `{"task":"reg_backup","addr":["127.0.0.1",9],"native":true`; !strings.HasPrefix(got, want) {
		t.Errorf("registers by %s, want %s", got, want)
	}
	for _, update := range []string{`{"task":"update","value":[],"index":0}$`, `{"task":"update","value":[[["a",2]]],"index":4}$`} {
		r.say(update)
	}
	r.say(`HTTP/1.1 400 Bad Request$`)
	if err := await(t, ended); err == nil || !strings.Contains(err.Error(), "stand by for") {
		t.Error(err)
	}
}
