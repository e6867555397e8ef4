package tcp

import (
	"context"
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
		runtime.Gosched()
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
		must(t, l.ask(t.Context(), one(&question{request, due{mapReply, 99, 9}, func(*message) error { return nil }})))
		if until := <-conn.read; until.IsZero() {
			t.Error("a request whose reply may be late for ever")
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
