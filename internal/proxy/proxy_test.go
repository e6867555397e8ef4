package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"jetreduce/internal/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit is how long something may take that happens.
const limit = 20 * time.Second

// silence is for how long nothing is to happen.
const silence = 50 * time.Millisecond

// echo is a server that says back each line that it is told, and notes it.
type echo struct {
	listener net.Listener
	running  sync.WaitGroup
	heard    chan string
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{listener: listener, heard: make(chan string, 1000)}
	e.running.Go(e.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		e.running.Wait()
	})
	return e
}

func (e *echo) serve() {
	for {
		conn, err := e.listener.Accept()
		if err != nil {
			return
		}
		e.running.Go(func() {
			defer func() { _ = conn.Close() }()
			for lines := bufio.NewScanner(conn); lines.Scan(); {
				e.heard <- lines.Text()
				if _, err := fmt.Fprintln(conn, lines.Text()); err != nil {
					return
				}
			}
		})
	}
}

func newProxy(t *testing.T, target string) *proxy.Proxy {
	t.Helper()
	p, err := proxy.New(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// caller is a client.
type caller struct {
	t     *testing.T
	conn  net.Conn
	lines *bufio.Reader
}

func call(t *testing.T, p *proxy.Proxy) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &caller{t, conn, bufio.NewReader(conn)}
}

func (c *caller) say(line string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.conn, line); err != nil {
		c.t.Fatal(err)
	}
}

func (c *caller) hear(within time.Duration) (string, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		c.t.Fatal(err)
	}
	line, err := c.lines.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

func (c *caller) expect(want string) {
	c.t.Helper()
	if got, err := c.hear(limit); got != want || err != nil {
		c.t.Fatalf("heard %q, error %v, want %q", got, err, want)
	}
}

func (c *caller) expectSilence() {
	c.t.Helper()
	if got, err := c.hear(silence); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("heard %q, error %v, and was to hear nothing", got, err)
	}
}

func (c *caller) expectReset() {
	c.t.Helper()
	if got, err := c.hear(limit); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("heard %q, error %v, and was to be reset", got, err)
	}
}

// expectRefusal calls anew. The reset may come as early as the call.
func expectRefusal(t *testing.T, p *proxy.Proxy) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if errors.Is(err, unix.ECONNRESET) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	(&caller{t, conn, bufio.NewReader(conn)}).expectReset()
}

func TestBytesPassBothWays(t *testing.T) {
	p := newProxy(t, newEcho(t).listener.Addr().String())
	for i := range 3 {
		c := call(t, p)
		line := strings.Repeat(fmt.Sprint(i), 60_000)
		c.say(line)
		c.expect(line)
	}
}

func TestCutHoldsBytesAndHealLosesNone(t *testing.T) {
	server := newEcho(t)
	p := newProxy(t, server.listener.Addr().String())
	old := call(t, p)
	old.say("before")
	old.expect("before")
	p.Cut()
	p.Cut() // twice is once
	young := call(t, p)
	young.say("young")
	for i := range 100 {
		old.say(fmt.Sprint(i))
	}
	old.expectSilence()
	young.expectSilence()
	if n := len(server.heard); n != 1 {
		t.Errorf("the server heard %d lines through a wire that is cut", n-1)
	}
	p.Heal()
	for i := range 100 {
		old.expect(fmt.Sprint(i))
	}
	young.expect("young")
}

func TestCutAnswersLetsTheServerAct(t *testing.T) {
	server := newEcho(t)
	p := newProxy(t, server.listener.Addr().String())
	c := call(t, p)
	p.CutAnswers()
	c.say("do it")
	select {
	case <-server.heard:
	case <-time.After(limit):
		t.Fatal("the server has heard nothing")
	}
	c.expectSilence()
	p.Heal()
	c.expect("do it")
}

// What is told right before a good-bye arrives, before or after a cut.
func TestGoodByeComesAfterWhatWasSaid(t *testing.T) {
	server := newEcho(t)
	p := newProxy(t, server.listener.Addr().String())
	for _, cut := range []bool{false, true} {
		c := call(t, p)
		if cut {
			p.Cut()
		}
		c.say("last words")
		if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		p.Heal()
		c.expect("last words")
		if _, err := c.hear(limit); !errors.Is(err, io.EOF) {
			t.Errorf("the end came as %v", err)
		}
	}
}

func TestSeverResetsAndRefusesUntilHealed(t *testing.T) {
	server := newEcho(t)
	p := newProxy(t, server.listener.Addr().String())
	old, held := call(t, p), call(t, p)
	old.say("before")
	old.expect("before")
	p.Cut()
	held.say("held")
	p.Sever()
	old.expectReset()
	held.expectReset()
	expectRefusal(t, p)
	p.Heal()
	again := call(t, p)
	again.say("again")
	again.expect("again")
	<-server.heard // before
	if got := <-server.heard; got != "again" {
		t.Errorf("the server heard %q, which was held when the wire was severed", got)
	}
}

func TestClientOfATargetThatIsNotThereIsReset(t *testing.T) {
	server := newEcho(t)
	address := server.listener.Addr().String()
	if err := server.listener.Close(); err != nil {
		t.Fatal(err)
	}
	expectRefusal(t, newProxy(t, address))
}

// Whatever state it is in, a proxy can be closed, and its port is free then. Goroutines that it leaves fail TestMain.
func TestCloseEndsEverything(t *testing.T) {
	for name, before := range map[string]func(p *proxy.Proxy){
		"open": func(*proxy.Proxy) {}, "cut": (*proxy.Proxy).Cut, "answers cut": (*proxy.Proxy).CutAnswers,
		"severed": (*proxy.Proxy).Sever,
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, newEcho(t).listener.Addr().String())
			c := call(t, p)
			before(p)
			if _, err := fmt.Fprintln(c.conn, "hello"); err != nil && name != "severed" {
				t.Fatal(err)
			}
			p.Close()
			if conn, err := net.Dial("tcp", p.Addr()); err == nil {
				_ = conn.Close()
				t.Error("somebody still listens")
			}
		})
	}
}

func TestClientThatWaitsReachesATargetThatIsNamedLater(t *testing.T) {
	server, p := newEcho(t), newProxy(t, "")
	p.Cut()
	c := call(t, p)
	c.say("early")
	c.expectSilence()
	p.Point(server.listener.Addr().String())
	p.Heal()
	c.expect("early")
}
