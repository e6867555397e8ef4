package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

const answersAB = `{"task":"map_reply","value":[["a",1],["b",1]]}$`

// mapsABs has so many blobs mapped at once.
func mapsABs(ctx context.Context, p *Peer, blobs int) error {
	_, err := mapAll(ctx, p.Program(), []mapreduce.Batch{{Source: "s", Data: []byte(strings.Repeat("a b\n", blobs))}})
	return err
}

// What a worker is to be told does not wait until a text is mapped, which may take long.
func TestWorkerIsToldOfABackupBetweenTwoBlobs(t *testing.T) {
	t.Parallel()
	peers := make(chan *Peer, 1)
	config, errs := asked(func(ctx context.Context, p *Peer) error {
		peers <- p
		return mapsABs(ctx, p, 3)
	})
	config.Blob = 1
	s := newScene(t, config)
	worker := s.dial()
	worker.say(registers)
	worker.expect(`{"task":"map_request","blob":"a "}`)
	s.dial().say(fmt.Sprintf(announces, 7))
	for p := <-peers; p.link.wanted.Load() == 0; {
		if runtime.Gosched(); s.ctx.Err() != nil {
			t.Fatal("the news does not wait for the turn")
		}
	}
	worker.say(`{"task":"map_reply","value":[["a",1]]}$`)
	worker.expect(`{"task":"reg_backup","value":["127.0.0.1",7]}`)
	for i := range 5 {
		word := string("ba"[i%2])
		worker.expect(fmt.Sprintf(`{"task":"map_request","blob":"%s%s"}`, word, map[string]string{"a": " ", "b": `\n`}[word]))
		worker.say(fmt.Sprintf(`{"task":"map_reply","value":[[%q,1]]}$`, word))
	}
	must(t, await(t, errs))
}

// Who does not wait any more has nothing done in his name, and nothing of his is used any more.
func TestCallThatIsLeftGoesNoFurther(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	asks, leave := make(chan context.CancelFunc, 1), make(chan error, 1)
	config, errs := asked(func(ctx context.Context, p *Peer) error {
		short, cancel := context.WithCancel(ctx)
		asks <- cancel
		var over bool
		err := p.ask(short, func() (*question, error) {
			if over {
				t.Error("asked for another question")
			}
			request := func(dst []byte) []byte { return appendMapRequest(dst, []byte("a b\n")) }
			return p.question(request, due{mapReply, 99, 9}, func(Histogram) error { t.Error("used"); return nil }), nil
		})
		over = true
		leave <- err
		<-left
		return mapsABs(ctx, p, 1)
	})
	s := newScene(t, config)
	worker := s.dial()
	worker.say(registers)
	worker.hear()
	(<-asks)()
	if err := await(t, leave); err == nil {
		t.Error("no error")
	}
	worker.say(answersAB)
	close(left)
	worker.hear()
	worker.say(answersAB)
	must(t, await(t, errs))
}

// deadlines is a connection that remembers until when it may be silent.
type deadlines struct {
	net.Conn
	read chan time.Time
}

func (d deadlines) SetReadDeadline(until time.Time) error {
	d.read <- until
	return d.Conn.SetReadDeadline(until)
}

// Who has answered may be silent for as long as nothing is asked of him.
func TestReplyThatHasComeIsNotLate(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	conn := deadlines{here, make(chan time.Time, 9)}
	l := newLink(t.Context(), conn, Config{}.withDefaults())
	defer l.close(errReleased)
	l.owes.Store(false)
	heard := make(chan struct{})
	go func() { defer close(heard); l.listen() }()
	go func() {
		reader := NewReader(there, MaxFrame)
		for range 2 {
			_, _ = reader.Next()
			_, _ = there.Write([]byte(strings.ReplaceAll(answersAB, "$", "\x04")))
		}
	}()
	for range 2 {
		request := func(dst []byte) []byte { return appendMapRequest(dst, []byte("a b\n")) }
		began := time.Now()
		must(t, l.ask(t.Context(), one(&question{request, due{mapReply, 99, 9}, func(*message) error { return nil }})))
		if until := <-conn.read; until.Before(began.Add(l.wait)) || until.After(time.Now().Add(l.wait)) {
			t.Errorf("a request at %s whose reply may come until %s", began, until)
		}
		select {
		case until := <-conn.read:
			if !until.IsZero() {
				t.Errorf("a worker that has answered is to say more until %s", until)
			}
		default:
			t.Error("a worker that has answered is to say more")
		}
	}
	l.close(errReleased)
	<-heard
}

// asksAB is a question about "a b"; what is done with the reply is the test's.
func asksAB(p *Peer, use func() error) func() (*question, error) {
	request := func(dst []byte) []byte { return appendMapRequest(dst, []byte("a b\n")) }
	return one(p.question(request, due{mapReply, 99, 9}, func(Histogram) error { return use() }))
}

// A peer is not to blame for what happens here between two questions, and stays.
func TestCallThatEndsBetweenTwoQuestionsLeavesThePeerUsable(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]func(context.CancelFunc){
		"its ctx ends":     func(cancel context.CancelFunc) { cancel() },
		"program panicked": func(context.CancelFunc) { panic("at the reply") },
	} {
		config, errs := asked(func(ctx context.Context, p *Peer) error {
			short, cancel := context.WithCancelCause(ctx)
			first := asksAB(p, func() error { what(func() { cancel(errors.New("its ctx ends")) }); return nil })
			second := asksAB(p, func() error { t.Error("used"); return nil })
			err := p.ask(short, func() (*question, error) {
				if q, err := first(); q != nil {
					return q, err
				}
				return second()
			})
			if err == nil || !strings.Contains(err.Error(), name) || errors.Is(err, mapreduce.ErrNotMine) {
				t.Errorf("%s: error %v", name, err)
			}
			return mapsABs(ctx, p, 1)
		})
		s := newScene(t, config)
		worker := s.dial()
		worker.say(registers)
		for range 2 {
			worker.hear()
			worker.say(answersAB)
		}
		must(t, await(t, errs))
	}
}

// What a peer says that has not taken its request is not used, whenever it comes.
func TestReplyBeforeTheRequestIsTakenIsNotUsed(t *testing.T) {
	t.Parallel()
	over := make(chan error, 1)
	config := Config{Work: func(ctx context.Context, p *Peer) error {
		request := func(dst []byte) []byte { return appendMapRequest(dst, []byte("a b\n")) }
		over <- p.ask(ctx, one(p.question(request, due{mapReply, 99, 9}, func(Histogram) error {
			t.Error("used")
			return nil
		})))
		return nil
	}}
	s := newScene(t, config)
	worker := s.pipe(func(c net.Conn) net.Conn { return c })
	worker.say(registers)
	_, err := worker.Read(make([]byte, 1))
	must(t, err)
	worker.say(answersAB) // all of it is heard, and the rest of the request is not
	must(t, worker.Close())
	if err := await(t, over); !errors.Is(err, mapreduce.ErrNotMine) {
		t.Errorf("error %v", err)
	}
	s.log.await(t, "worker gone", 1)
}

// The same, when the reply has been heard already and only waits for the request to be written.
func TestCallWhoseRequestIsNotTakenIsOver(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	must(t, there.Close())
	l := newLink(t.Context(), here, Config{}.withDefaults())
	defer l.close(errReleased)
	request := func(dst []byte) []byte { return appendMapRequest(dst, []byte("a b\n")) }
	c := &call{ctx: t.Context(), over: make(chan error, 1)}
	c.next = one(&question{request, due{mapReply, 99, 9}, func(*message) error { t.Error("used"); return nil }})
	must(t, l.take(t.Context()))
	if asks, err := l.begin(c); !asks || err == nil {
		t.Errorf("it asks: %t, error %v", asks, err)
	}
	if l.goOn(c, &message{}) {
		t.Error("it goes on")
	}
	if err := l.await(t.Context(), c); err == nil {
		t.Error("no error")
	}
}

// Rows in the order of the input are for workers that keep it.
func TestPeersKeepNoOrder(t *testing.T) {
	t.Parallel()
	if p := (&Peer{server: New(Config{Program: wordcount(t)})}); !p.Program().Shuffled || p.server.Program.Shuffled {
		t.Error("a peer's pairs are said to come in the order of the input, or the program's own are not")
	}
}
