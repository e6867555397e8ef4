package tcp

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// pretend is a blame whose clock stands until it is moved on.
type pretend struct {
	*blame
	time time.Time
}

func newPretend() *pretend {
	p := &pretend{time: time.Unix(1e9, 0)}
	p.blame = newBlame(func() time.Time { return p.time })
	return p
}

func (p *pretend) pass(d time.Duration) { p.time = p.time.Add(d) }

func TestCallerThatIsWrongOftenTakesTurns(t *testing.T) {
	b, who := newPretend(), caller{"7", "host"}
	for i := 1; i < manyWrong; i++ {
		b.note(who)
		if wait, err := b.admit(who); wait > 0 || err != nil {
			t.Fatalf("waits %v after %d: %v", wait, i, err)
		}
	}
	for _, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		_, said := b.note(who)
		wait, err := b.admit(who)
		if other, _ := b.admit(caller{"8", "host"}); said != want || wait != want || err != nil || other != 0 {
			t.Errorf("waits %v (%v is said), %v, want %v; another %v", wait, said, err, want, other)
		}
		b.pass(wait)
	}
	b.forgive(who)
	if times, _ := b.note(who); times != 1 {
		t.Errorf("forgiven, and wrong %d times", times)
	}
}

// Of two that call themselves the same, one always wrong and first each second, the right one is let in.
func TestRightNamesakeFindsATurn(t *testing.T) {
	b, who := newPretend(), caller{"0", "host"}
	turn, waits := time.Time{}, false // of the wrong one
	for second := range 200 {
		if waits && !b.time.Before(turn) {
			b.note(who)
			waits = false
		} else if !waits {
			wait, err := b.admit(who)
			turn, waits = b.time.Add(wait), err == nil
		}
		if second > 100 {
			if _, err := b.admit(who); err == nil {
				return
			}
		}
		b.pass(time.Second)
	}
	t.Error("the right one is never let in")
}

// wrongs is a blame of a host whose newcomers were wrong so often, each under a name of its own, and right as often.
func wrongs(times int) *pretend {
	b := newPretend()
	for i := range times {
		b.note(caller{fmt.Sprint(i), "host"})
		b.forgive(caller{fmt.Sprint(i), "host"})
	}
	return b
}

// Under ever new names nobody takes more work from others than a host may.
func TestNewcomersOfAHostThatIsWrongOftenWait(t *testing.T) {
	for times, want := range map[int]time.Duration{
		manyOfHost: 0, manyOfHost + 1: hostWait, manyOfHost + 2: 2 * hostWait, manyOfHost + 3: 4 * hostWait, manyOfHost + 100: longWait,
	} {
		b := wrongs(times)
		wait, err := b.admit(caller{"new", "host"})
		if other, _ := b.admit(caller{"new", "other"}); wait != want || err != nil || other != 0 {
			t.Errorf("wrong %d times: waits %v, %v, want %v; of another host %v", times, wait, err, want, other)
		}
		b.pass(memory + time.Second)
		if wait, err := b.admit(caller{"new", "host"}); wait != 0 || err != nil {
			t.Errorf("waits %v for ever, %v", wait, err)
		}
	}
}

// Who waits does so one behind the other: thousands that come at once get work no sooner than one that comes again and again, and those
// whose turn is far away hold no connection until then.
func TestNewcomersOfAHostTakeTurns(t *testing.T) {
	const many = 2000
	b := wrongs(manyOfHost + 3)
	pace, refused := 4*hostWait, 0
	for i := range many {
		switch wait, err := b.admit(caller{fmt.Sprint("new", i), "host"}); {
		case err == errManyWait:
			refused++
		case err != nil || wait != time.Duration(i+1)*pace:
			t.Fatalf("newcomer %d waits %v, %v", i, wait, err)
		}
	}
	if waiting := many - refused; waiting != int(longWait/pace) {
		t.Errorf("%d wait for turns that are %v apart", waiting, pace)
	}
	b.pass(3 * pace)
	for i := range 4 {
		if wait, err := b.admit(caller{"later", "host"}); (err == nil) != (i < 3) || wait > longWait {
			t.Errorf("when three have had their turns, one more waits %v, %v", wait, err)
		}
	}
}

// An honest newcomer comes again each second, as originals do, and is let in even when all places were taken before it.
func TestHonestNewcomerFindsATurn(t *testing.T) {
	b := wrongs(10 * manyOfHost)
	for i := range 2000 {
		_, _ = b.admit(caller{fmt.Sprint("new", i), "host"})
	}
	const tries = 10
	for range tries {
		b.pass(time.Second)
		if _, err := b.admit(caller{"honest", "host"}); err == nil {
			return
		}
	}
	t.Errorf("not let in after %d tries", tries)
}

// When too many of a host wait already, one more is closed at once, and comes again.
func TestNewcomerWhoseTurnIsFarAwayHoldsNoConnection(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{})
	s.server.blame.hosts["127.0.0.1"] = &record{times: 100, until: time.Now().Add(time.Hour), turn: time.Now().Add(time.Hour)}
	r := s.dial()
	r.say(registers)
	r.expectEnd()
	s.log.await(t, `level=DEBUG msg="worker refused" id=9`, 1)
	s.awaitConns(0)
	if log := s.log.String(); !strings.Contains(log, errManyWait.Error()) || strings.Contains(log, "worker gone") {
		t.Errorf("it is said that\n%s", log)
	}
}

func TestBlameIsBounded(t *testing.T) {
	b := newPretend()
	for i := range 3 * mostWrong {
		b.note(caller{fmt.Sprint(i), fmt.Sprint(i)})
	}
	if len(b.callers) > mostWrong || len(b.hosts) > mostWrong {
		t.Errorf("%d callers and %d hosts are remembered", len(b.callers), len(b.hosts))
	}
}
