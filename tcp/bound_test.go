package tcp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// sized is something that is asked for, and the reply without its end. A right one has about so many bytes.
type sized struct {
	work  func(context.Context, *Peer) error
	reply string
	about int
}

// A reply is taken up to what a right one may have, and no further, however it is framed.
func TestReplyMayBeAsLargeAsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	for _, asks := range []sized{
		{mapsABA, `{"task":"map_reply","value":[["a",1],["a",1],["b",1]]`, 3 * len(`["a", 1], `)},
		{reducesAB, `{"task":"reduce_reply","value":[["a",3],["b",3]]`, 2 * len(`["a", 3], `)},
	} {
		for _, framing := range []Framing{EOT, Length} {
			config, errs := asked(asks.work)
			s := newScene(t, config)
			most := smallMost + mostTimes*asks.about
			s.replies(framing, asks.reply, most)
			if err := await(t, errs); err != nil {
				t.Errorf("framing %d, %d bytes: %v", framing, most, err)
			}
			s.replies(framing, asks.reply, most+1)
			why := fmt.Sprintf("answer has about %d bytes: message too large", asks.about)
			if err := await(t, errs); !errors.Is(err, mapreduce.ErrNotMine) || !strings.Contains(err.Error(), why) {
				t.Errorf("framing %d, one byte more: %v, want %q", framing, err, why)
			}
			s.log.await(t, "nonsense", 1)
		}
	}
}

// replies registers, and answers with so many bytes: a reply that lacks its last brace, and white space.
func (s *scene) replies(framing Framing, reply string, size int) {
	s.t.Helper()
	r := s.dial()
	_, err := r.Write(framed(s.t, framing, `{"task":"register","id":1}`))
	must(s.t, err)
	r.hear()
	_, _ = r.Write(framed(s.t, framing, reply+strings.Repeat(" ", size-len(reply)-1)+"}")) // which may be cut short
}

// What a right reply has is known to the byte.
func TestRightReplyIsAsLargeAsIsKnown(t *testing.T) {
	t.Parallel()
	python := func(h Histogram) int { // a comma and a space behind each pair, a space within
		return len(appendHistogram(nil, h)) - len(`[]`) + 2*len(h) + min(len(h), 1)
	}
	rapid.Check(t, func(rt *rapid.T) {
		h := anyHistogram().Draw(rt, "histogram")
		var blob tally
		merge, shares := &merging{}, []share{}
		for i := range h {
			merge.groups = append(merge.groups, group{word: h[i].Word, written: written(h[i].Word)})
			shares = append(shares, share{i, h[i].N})
		}
		if got, want := merge.written(shares), python(h); got != want {
			rt.Fatalf("sums of %d bytes, said to be %d", want, got)
		}
		for i := range h {
			h[i].N = 1
			blob.Emit(h[i].Word, mapreduce.One())
		}
		if got, want := int(blob.written), python(h); got != want {
			rt.Fatalf("words of %d bytes, said to be %d", want, got)
		}
	})
}

func TestReplyHasNoMorePairsThanWereAskedFor(t *testing.T) {
	t.Parallel()
	config, errs := asked(mapsABA)
	s := newScene(t, config)
	r := s.dial()
	r.say(registers)
	r.hear()
	pairs := strings.Repeat(`["",1],`, 5000)
	r.say(`{"task":"map_reply","value":[` + pairs[:len(pairs)-1] + `]}$`)
	if err := await(t, errs); err == nil || !strings.Contains(err.Error(), "more than 1027 pairs") {
		t.Error(err)
	}
	m := message{most: 100}
	pairs = strings.Repeat(`["",1],`, 1<<20)
	if err := m.parse([]byte(`{"task":"map_reply","value":[` + pairs[:len(pairs)-1] + `]}`)); err == nil || cap(m.value[0]) > 1000 {
		t.Errorf("memory for %d pairs, error %v", cap(m.value[0]), err)
	}
}

// All backups share what is sent to them: a copy for each would be theirs to ask for.
func TestUpdateIsWrittenOnce(t *testing.T) {
	t.Parallel()
	e := newEdition(3, []Histogram{{{[]byte("a"), 2}}})
	for _, framing := range []Framing{EOT, Length} {
		first, err := e.frame(framing)
		must(t, err)
		second, err := e.frame(framing)
		must(t, err)
		if &first[0] != &second[0] || string(first) != string(framed(t, framing, `{"task":"update","value":[[["a",2]]],"index":3}`)) {
			t.Errorf("framing %d: %q, then %q", framing, first, second)
		}
	}
}

// To tell a worker of a backup takes its time. Backups that come and go must not take all of it.
func TestBackupsThatComeAndGoDoNotHoldWorkersUp(t *testing.T) {
	t.Parallel()
	begin := make(chan struct{})
	config, errs := asked(func(ctx context.Context, p *Peer) error {
		<-begin
		return errors.Join(mapsABA(ctx, p), mapsABA(ctx, p), mapsABA(ctx, p))
	})
	config.NewsEvery = 2 * limit
	s := newScene(t, config)
	worker := s.dial()
	worker.say(registers)
	s.log.await(t, "worker registered", 1)
	s.dial().say(fmt.Sprintf(announces, 1))
	worker.expect(`{"task":"reg_backup","value":["127.0.0.1",1]}`)
	for port := range 20 {
		s.dial().say(fmt.Sprintf(announces, port+2))
	}
	s.log.await(t, "backup registered", 21)
	close(begin)
	for range 3 {
		worker.expect(`{"task":"map_request","blob":"a b a\n"}`)
		worker.say(`{"task":"map_reply","value":[["a",2],["b",1]]}$`)
	}
	must(t, await(t, errs))
}
