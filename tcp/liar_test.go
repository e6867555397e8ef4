package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"jetreduce/mapreduce"
)

// asked has each worker that registers do one thing, once, and tells the errors.
func asked(what func(ctx context.Context, p *Peer) error) (Config, chan error) {
	errs := make(chan error, 100)
	return Config{Work: func(ctx context.Context, p *Peer) error {
		err := what(ctx, p)
		errs <- err
		if err == nil {
			return idle(ctx, p)
		}
		return err
	}}, errs
}

func mapsABA(ctx context.Context, p *Peer) error {
	_, err := mapAll(ctx, p.Program(), []mapreduce.Batch{{Source: "s", Data: []byte("a b a\n")}})
	return err
}

func reducesAB(ctx context.Context, p *Peer) error {
	groups := map[string][][]byte{"a": {mapreduce.One(), {4}}, "b": {{6}}}
	_, err := reduceAll(ctx, p.Program(), groups)
	return err
}

func await(t testing.TB, errs chan error) error {
	t.Helper()
	select {
	case err := <-errs:
		return err
	case <-time.After(limit):
		t.Fatal("nothing happened")
		return nil
	}
}

const registers = `{"task":"register","id":"9"}$`

func TestEveryLieIsFoundOut(t *testing.T) {
	t.Parallel()
	reply := func(task, value string) string { return fmt.Sprintf(`{"task":%q,"value":%s}$`, task, value) }
	long, most := strings.Repeat("x", 9999), `9223372036854775807`
	for name, lie := range map[string]struct {
		work      func(context.Context, *Peer) error
		says, why string
	}{
		"a word too many":      {mapsABA, reply(mapReply, `[["a",2],["b",2]]`), `4 words, which are not the 3 of the blob: 2 for "b", not 1`},
		"a word too few":       {mapsABA, reply(mapReply, `[["a",1],["b",1]]`), `2 words, which are not the 3 of the blob: 1 for "a", not 2`},
		"another word":         {mapsABA, reply(mapReply, `[["a",1],["c",1],["b",1]]`), `"c" is not in it`},
		"counts changed about": {mapsABA, reply(mapReply, `[["a",1],["b",2]]`), `3 words, which are not the 3 of the blob: 1 for "a", not 2`},
		"nothing":              {mapsABA, reply(mapReply, `[]`), `0 for "a", not 2`},
		"a long word":          {mapsABA, reply(mapReply, `[["`+long[:9999]+`",1]]`), `"` + long[:40] + `" is not in it`},
		"a huge count":         {mapsABA, reply(mapReply, `[["a",`+most+`]]`), "which are not"},
		"counts that overflow": {mapsABA, reply(mapReply, `[["a",`+most+`],["b",`+most+`],["a",5]]`), "beyond 64 bits"},
		"a negative count":     {mapsABA, reply(mapReply, `[["a",4],["a",-2],["b",1]]`), "negative"},
		"a reply to no such":   {mapsABA, reply(reduceReply, `[["a",2],["b",1]]`), "map_reply was asked"},
		"registers again":      {mapsABA, registers, "register, and map_reply was asked"},
		"no JSON":              {mapsABA, "yes$", "{ expected"},
		"an empty message":     {mapsABA, "$", "too early"},
		"two replies":          {mapsABA, strings.Repeat(reply(mapReply, `[["a",2],["b",1]]`), 2), "says more"},
		"says more":            {mapsABA, reply(mapReply, `[["a",2],["b",1]]`) + "{", "says more"},
		"no UTF-8":             {mapsABA, reply(mapReply, "[[\"\xff\",2],[\"b\",1]]"), "not UTF-8"},
		"a sum too large":      {reducesAB, reply(reduceReply, `[["a",4],["b",3]]`), `4 for "a", not 3`},
		"a sum too small":      {reducesAB, reply(reduceReply, `[["a",3],["b",2]]`), `2 for "b", not 3`},
		"sums changed about":   {reducesAB, reply(reduceReply, `[["a",2],["b",4]]`), `2 for "a", not 3`},
		"a word is missing":    {reducesAB, reply(reduceReply, `[["a",6]]`), `6 for "a"`},
		"a word of its own":    {reducesAB, reply(reduceReply, `[["a",3],["b",3],["c",1]]`), `"c" was not in the request`},
		"an empty sum":         {reducesAB, reply(reduceReply, `[]`), `0 for "a"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, errs := asked(lie.work)
			s := newScene(t, config)
			r := s.dial()
			r.say(registers)
			r.hear()
			r.say(lie.says)
			r.expectEnd()
			s.log.await(t, "nonsense", 1)
			log := s.log.String()
			for _, word := range []string{"id=9", r.LocalAddr().String(), "WARN"} {
				if !strings.Contains(log, word) {
					t.Errorf("no %s in the log:\n%s", word, log)
				}
			}
			if !strings.Contains(strings.ReplaceAll(log, `\"`, `"`), lie.why) {
				t.Errorf("no %s in the log:\n%s", lie.why, log)
			}
			if err := await(t, errs); !errors.Is(err, mapreduce.ErrNotMine) && !strings.HasPrefix(name, "two") && !strings.HasPrefix(name, "says") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestTruthInAnyShapeIsTaken(t *testing.T) {
	t.Parallel()
	for says, work := range map[string]func(context.Context, *Peer) error{
		`{"value": [["b", 1], ["a", 1], ["a", 1]], "task": "map_reply", "took": 0.5}$`: mapsABA,
		"\n {\"task\":\"map_reply\",\"value\":[[\"\\u0061\",2],[\"b\",1]]}\n$\n":       mapsABA,
		`{"task":"reduce_reply","value":[["b",1],["a",1],["b",1],["a",2],["b",1]]}$`:   reducesAB,
	} {
		config, errs := asked(work)
		s := newScene(t, config)
		r := s.dial()
		r.say(registers)
		r.hear()
		r.say(says)
		if err := await(t, errs); err != nil {
			t.Errorf("%s: %v", says, err)
		}
	}
}

func TestWhoSpeaksUnaskedIsClosed(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{})
	for i, says := range []string{registers, "x", "\x00", `{"task":"map_reply","value":[]}$`, "{"} {
		r := s.dial()
		r.say(strings.Replace(registers, "9", fmt.Sprint(100+i), 1))
		s.log.await(t, "worker registered", i+1)
		r.say(" \n")
		r.say(says)
		r.expectEnd()
		s.log.await(t, "when nothing was asked", i+1)
	}
}

func TestStrangersAreClosed(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{})
	for i, says := range []string{
		"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "\xff\xff\xff\xff",
		`{"task":"update","value":[],"index":1}$`, `{"task":"map_reply","value":[]}$`,
		"{" + strings.Repeat("x", smallMost), registers + registers, `{"task":"reg_backup","addr":[]}$`, "{}$",
	} {
		r := s.dial()
		_, _ = r.Write([]byte(strings.ReplaceAll(says, "$", "\x04"))) // which may be cut short
		r.expectEnd()
		s.log.await(t, "nonsense", i+1)
	}
}

func TestOtherProtocolsAreNamed(t *testing.T) {
	t.Parallel()
	for says, begins := range map[string]string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n":        `"GET / HTTP/1.1\r\nHost"`,
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03": `"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03"`,
		"SSH-2.0-OpenSSH_9.6\r\n":                  `"SSH-2.0-OpenSSH_9.6\r"`,
	} {
		s := newScene(t, Config{})
		r := s.dial()
		_, _ = r.Write([]byte(says)) // which may be cut short
		r.expectEnd()
		s.log.await(t, "nonsense", 1)
		want := strconv.Quote("it does not speak this protocol: neither JSON nor a length begins with " + begins)
		if log := s.log.String(); !strings.Contains(log, want) {
			t.Errorf("no %s in the log:\n%s", want, log)
		}
	}
}

func TestWhoKeepsTalkingNonsenseWaits(t *testing.T) {
	t.Parallel()
	s := newScene(t, Config{})
	for i := range manyWrong {
		r := s.dial()
		r.say(registers)
		s.log.await(t, "worker registered", i+1)
		r.say("x")
		r.expectEnd()
		s.log.await(t, "nonsense", i+1)
	}
	s.log.await(t, "workers of this id wait", 1)
	s.dial().say(registers) // its turn is in a second
	other := s.dial()
	other.say(strings.Replace(registers, "9", "8", 1))
	s.log.await(t, "worker registered", manyWrong+1)
}

// patient waits for as long as it takes until what is written is taken.
type patient struct{ net.Conn }

func (patient) SetWriteDeadline(time.Time) error { return nil }

func TestSilenceEnds(t *testing.T) {
	t.Parallel()
	config, errs := asked(mapsABA)
	config.ReplyWait = 20 * time.Millisecond
	s := newScene(t, config)
	r := s.pipe(func(c net.Conn) net.Conn { return patient{c} })
	r.say(registers)
	r.hear()
	if err := await(t, errs); !errors.Is(err, mapreduce.ErrNotMine) || !strings.Contains(err.Error(), "no reply") {
		t.Error(err)
	}
	r.expectEnd()
	s.log.await(t, "worker does not answer", 1)
}

func TestPeerThatReadsNothingHoldsNobody(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat("word ", 3<<20))
	config, errs := asked(func(ctx context.Context, p *Peer) error {
		_, err := mapAll(ctx, p.Program(), []mapreduce.Batch{{Source: "s", Data: text}})
		return err
	})
	config.ReplyWait, config.ReplyRate, config.Blob = 50*time.Millisecond, 1<<30, len(text)
	s := newScene(t, config)
	s.dial().say(registers)
	if err := await(t, errs); !errors.Is(err, mapreduce.ErrNotMine) || !strings.Contains(err.Error(), "takes no message") {
		t.Error(err)
	}
}

func TestWhoLeavesIsNoticed(t *testing.T) {
	t.Parallel()
	config, errs := asked(mapsABA)
	s := newScene(t, config)
	r := s.dial()
	r.say(registers)
	r.hear()
	must(t, r.Close())
	if err := await(t, errs); !errors.Is(err, mapreduce.ErrNotMine) {
		t.Error(err)
	}
	idles := newScene(t, Config{})
	r = idles.dial()
	r.say(registers)
	idles.log.await(t, "worker registered", 1)
	must(t, r.Close())
	idles.log.await(t, "worker gone", 1)
}

// A reply that nobody waits for any more is dropped, and the next request has its own.
func TestRequestThatIsGivenUpLeavesThePeerUsable(t *testing.T) {
	t.Parallel()
	first, second := make(chan context.CancelFunc, 1), make(chan error, 1)
	config, errs := asked(func(ctx context.Context, p *Peer) error {
		short, cancel := context.WithCancel(ctx)
		first <- cancel
		if err := mapsABA(short, p); !errors.Is(err, context.Canceled) || errors.Is(err, mapreduce.ErrNotMine) {
			return fmt.Errorf("given up: %w", err)
		}
		second <- nil
		return mapsABA(ctx, p)
	})
	s := newScene(t, config)
	r := s.dial()
	r.say(registers)
	r.hear()
	(<-first)()
	must(t, await(t, second))
	r.say(`{"task":"map_reply","value":[["late",1]]}$`)
	r.hear()
	r.say(`{"task":"map_reply","value":[["a",2],["b",1]]}$`)
	must(t, await(t, errs))
}

func TestWhatFitsNoMessageIsPermanent(t *testing.T) {
	t.Parallel()
	huge(t)
	large := []byte(strings.Repeat("\xff", MaxFrame/6) + "\n")
	many := []byte(strings.Repeat("a ", MaxFrame/9) + "\n")
	for name, work := range map[string]func(context.Context, *Peer) error{
		"a blob": func(ctx context.Context, p *Peer) error {
			_, err := mapAll(ctx, p.Program(), []mapreduce.Batch{{Source: "s", Data: large}})
			return err
		},
		"a reply": func(ctx context.Context, p *Peer) error {
			_, err := mapAll(ctx, p.Program(), []mapreduce.Batch{{Source: "s", Data: many}})
			return err
		},
		"a word": func(ctx context.Context, p *Peer) error {
			_, err := reduceAll(ctx, p.Program(), map[string][][]byte{string(large): {mapreduce.One()}})
			return err
		},
	} {
		config, errs := asked(work)
		config.Blob = MaxFrame
		s := newScene(t, config)
		s.dial().say(registers)
		if err := await(t, errs); !mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), "bytes") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
