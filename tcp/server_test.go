package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"jetreduce/mapreduce"
)

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{MaxConns: 2})
	for range 2 {
		s.dial().say(registers)
	}
	s.log.await(t, "worker registered", 2)
	for range 3 {
		s.dial().expectEnd()
	}
	if n := strings.Count(s.log.String(), "too many connections"); n != 1 {
		t.Errorf("said %d times", n)
	}
}

func TestServerEndsWithItsContext(t *testing.T) {
	t.Parallel()
	config, errs := asked(mapsABA)
	s := newScene(t, config)
	waits, asks, backs := s.dial(), s.dial(), s.dial()
	asks.say(registers)
	asks.hear()
	backs.say(`{"task":"reg_backup","addr":["127.0.0.1",1]}$`)
	s.log.await(t, "backup registered", 1)
	s.end()
	s.running.Wait()
	for _, r := range []*raw{waits, asks, backs} {
		for { // the address of the backup may have been said before
			if _, err := r.reader.Next(); err != nil {
				break
			}
		}
	}
	if err := await(t, errs); !errors.Is(err, mapreduce.ErrNotMine) {
		t.Error(err)
	}
}

func TestServerEndsWhenItsWorkHasEnded(t *testing.T) {
	t.Parallel()
	var ended atomic.Bool
	s := newScene(t, Config{Work: func(ctx context.Context, _ *Peer) error {
		<-ctx.Done()
		for range 10_000 {
			runtime.Gosched()
		}
		ended.Store(true)
		return nil
	}})
	s.dial().say(registers)
	s.log.await(t, "worker registered", 1)
	s.end()
	s.running.Wait()
	if !ended.Load() {
		t.Error("work goes on")
	}
}

func TestBothFramingsGoBothWays(t *testing.T) {
	t.Parallel()
	config, errs := asked(mapsABA)
	s := newScene(t, config)
	reply := `{"task":"map_reply","value":[["a",2],["b",1]]}`
	for name, hello := range map[string][]byte{
		"length":               framed(t, Length, `{"task":"register","id":1}`),
		"length after all":     framed(t, EOT, `{"task":"register","id":2,"framing":"length"}`),
		"EOT":                  framed(t, EOT, `{"task":"register","id":3}`),
		"EOT, white space":     framed(t, EOT, "\r\n\t {\"task\":\"register\",\"id\":3}"),
		"a framing unheard of": framed(t, EOT, `{"task":"register","id":3,"framing":"morse"}`),
	} {
		r := s.dial()
		_, err := r.Write(hello)
		must(t, err)
		if got := r.hear(); got != `{"task":"map_request","blob":"a b a\n"}` {
			t.Errorf("%s: %s", name, got)
		}
		want := EOT
		if strings.HasPrefix(name, "length") {
			want = Length
		}
		if r.reader.Framing() != want {
			t.Errorf("%s: framing %d", name, r.reader.Framing())
		}
		_, err = r.Write(framed(t, want, reply))
		must(t, err)
		if err := await(t, errs); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A reply of nearly the most bytes, in both framings, in a million pieces or so.
func TestRepliesOfSixtyFourMebibytes(t *testing.T) {
	if testing.Short() {
		t.Skip("it moves 200 MB: run it without -short")
	}
	text := []byte(strings.Repeat("a ", 4<<20) + "\n")
	config, errs := asked(func(ctx context.Context, p *Peer) error {
		out, err := mapAll(ctx, p.Program(), []mapreduce.Batch{{Source: "s", Data: text}})
		if err == nil && len(out) != 4<<20 {
			err = fmt.Errorf("emitted %d pairs, want a pair for each word", len(out))
		}
		return err
	})
	config.Blob = len(text)
	s := newScene(t, config)
	pairs := strings.TrimSuffix(strings.Repeat(`["a",1],`, 4<<20), ",")
	blank := strings.Repeat(" ", MaxFrame-len(pairs)-len(`{"task":"map_reply","value":[]}`))
	for _, framing := range []Framing{EOT, Length} {
		s.replies(framing, `{"task":"map_reply","value":[`+pairs+`]`, MaxFrame)
		must(t, await(t, errs))
	}
	r := s.dial()
	r.say(registers)
	r.hear()
	for _, part := range []string{`{"task":"map_reply","value":[`, pairs, "]", blank, "  }\x04"} {
		_, _ = io.WriteString(r, part) // of which the end may come too late
	}
	if err := await(t, errs); !errors.Is(err, mapreduce.ErrNotMine) || !strings.Contains(err.Error(), "too large") {
		t.Errorf("one byte more: %v", err)
	}
}

func TestListenerThatIsClosedIsAnError(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, listener.Close())
	if err := New(Config{Program: wordcount(t), Work: idle}).Run(t.Context(), listener); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
