package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// A lane of a cluster is on one server, and when that dies it takes the lane along. The others do not say so: whoever asks
// for it gets no answer, for minutes. What they do know is its name. So a lane is away when the leader of the cluster's streams
// says that it exists, before and after nobody has answered for it, and the bus takes writes.
//
//	names ─▶ not there ─▶ create ── silence ─┐
//	  └────▶ there ─────▶ look ──── silence ─┴▶ names ─▶ still there: gone
//
// A new lane may have been put onto a server that is dead; it is gone like others, and its name is never used again: whoever
// dropped it because of a silence might drop one that another leader has made meanwhile.
const (
	// laneSilence is for how long a lane may be silent.
	laneSilence = time.Second
	// placeWait is for how long a cluster puts new lanes onto a server that has died: three heartbeats of its own, and some.
	placeWait = 4 * time.Second
	// dropWait is for how long a cluster may take to drop streams.
	dropWait = 2 * time.Second
)

// across makes lanes on a cluster.
type across struct {
	*Storage
	began time.Time
	back  time.Time               // when the cluster was last seen to be back: its servers may still be opening their streams
	fresh map[mapreduce.Lane]bool // made by this call
	alone atomic.Bool             // there are too few servers for more than one copy
}

func (s *Storage) makeAcross(ctx context.Context, lanes []mapreduce.Lane) (gone []mapreduce.Lane, err error) {
	a := across{Storage: s, began: time.Now(), fresh: map[mapreduce.Lane]bool{}}
	for len(lanes) > 0 {
		var away []mapreduce.Lane
		if away, lanes, err = a.round(ctx, lanes); err != nil {
			return nil, fmt.Errorf("make lanes: %w", err)
		}
		gone = append(gone, away...)
	}
	return gone, nil
}

// round makes and looks for lanes once. It returns those that are gone, and those of which nothing is known yet.
func (a *across) round(ctx context.Context, lanes []mapreduce.Lane) (gone, open []mapreduce.Lane, err error) {
	session := a.bus.session()
	known, err := a.existing(ctx, lanes)
	if err != nil {
		return nil, nil, err
	}
	for _, lane := range lanes {
		a.fresh[lane] = a.fresh[lane] || !known[lane]
	}
	silent, err := a.silent(ctx, lanes, known)
	if err != nil || len(silent) == 0 {
		return nil, nil, err
	}
	still, err := a.existing(ctx, silent)
	if err == nil && (session.Err() != nil || !a.bus.takesWrites(ctx)) { // it is not the lanes that are away
		a.back = time.Now()
		return nil, silent, ctx.Err()
	}
	gone, open = a.judge(silent, still)
	return gone, open, err
}

// judge says which of the lanes that were silent are gone. Of one that was put onto a dead server this is said when the cluster
// knows by then that it is dead, or it would put the next there, too.
func (a *across) judge(silent []mapreduce.Lane, exists map[mapreduce.Lane]bool) (gone, open []mapreduce.Lane) {
	for _, lane := range silent {
		lasts := a.silences.goesOn(a.bus.names.lane(lane))
		switch {
		case exists[lane] && a.elects(lasts): // who uses it waits for that
		case a.fresh[lane] && time.Since(a.began) < placeWait:
			open = append(open, lane)
		case exists[lane] && time.Since(a.back) > laneWait:
			a.bus.absences.goOn(a.bus.names.lane(lane))
			gone = append(gone, lane)
		default:
			open = append(open, lane)
		}
	}
	return gone, open
}

// errNoWord: nobody has answered for a lane.
var errNoWord = errors.New("no answer")

// silent looks for the lanes that are known and makes the others. It returns those for which nobody has answered.
func (a *across) silent(ctx context.Context, lanes []mapreduce.Lane, known map[mapreduce.Lane]bool) (silent []mapreduce.Lane, err error) {
	errs := make([]error, len(lanes))
	slots := make(chan struct{}, lanesAtOnce)
	var asking sync.WaitGroup
	for i, lane := range lanes {
		asking.Go(func() {
			if known[lane] { // all at once: it costs the servers little, and those that are silent hold up nobody
				errs[i] = a.look(ctx, lane)
				return
			}
			slots <- struct{}{}
			errs[i] = a.create(ctx, lane)
			<-slots
		})
	}
	asking.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return unheard(lanes, errs)
}

// unheard is the lanes for which nobody has answered, unless one was refused.
func unheard(lanes []mapreduce.Lane, errs []error) (silent []mapreduce.Lane, err error) {
	for i, each := range errs {
		switch {
		case errors.Is(each, errNoWord):
			silent = append(silent, lanes[i])
		case each != nil:
			return nil, each
		}
	}
	return silent, nil
}

// look looks for a lane that was made before. That it has been dropped since shows in the next round.
func (a *across) look(ctx context.Context, lane mapreduce.Lane) error {
	if (absence{a.bus, a.bus.names.lane(lane)}).look(ctx) != nil {
		return errNoWord
	}
	a.silences.ends(a.bus.names.lane(lane))
	return nil
}

func (a *across) create(ctx context.Context, lane mapreduce.Lane) error {
	ctx, cancel := context.WithTimeout(ctx, laneSilence)
	defer cancel()
	config := a.copied(a.config(lane))
	_, err := a.bus.js.CreateStream(ctx, a.bus.finished(config))
	switch {
	case err == nil || isCode(err, jetstream.JSErrCodeStreamNameInUse):
		return nil
	case full(err):
		return mapreduce.Permanent(fmt.Errorf("%s: %w: %w", lane, mapreduce.ErrNoRoom, a.bus.withinLimits(ctx, err)))
	case config.Replicas > 1 && isCode(err, codeNoPeers) && tooFew(err): // runs can be made again, and the job is to go on
		a.sayAlone()
		return errNoWord
	case answered(err) && !busy(err) && !switchedOff(err):
		return mapreduce.Permanent(fmt.Errorf("%s: %w", lane, a.bus.withinLimits(ctx, err)))
	}
	return errNoWord
}

// existing says which lanes the cluster knows, be their servers there or not. It waits for the leader that decides that, and
// notes that there was none.
func (a *across) existing(ctx context.Context, lanes []mapreduce.Lane) (map[mapreduce.Lane]bool, error) {
	began := time.Now()
	known, err := a.bus.existing(ctx, lanes)
	if time.Since(began) > laneSilence {
		a.back = time.Now()
	}
	return known, err
}

func (b *Bus) existing(ctx context.Context, lanes []mapreduce.Lane) (map[mapreduce.Lane]bool, error) {
	names := map[string]bool{}
	asked := map[string]bool{}
	for _, lane := range lanes {
		subjects := b.names.lanesOf(lane)
		if asked[subjects] {
			continue
		}
		asked[subjects] = true
		found, err := b.streamNames(ctx, subjects)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			names[name] = true
		}
	}
	known := map[mapreduce.Lane]bool{}
	for _, lane := range lanes {
		if names[b.names.lane(lane)] {
			known[lane] = true
		}
	}
	return known, nil
}

// lanesOf is the subjects of all lanes of the same job to the same kind of reader.
func (n names) lanesOf(l mapreduce.Lane) string {
	if l.Reader == mapreduce.Finish {
		return fmt.Sprintf("%s.parts.%s.>", n.prefix, l.UID)
	}
	return fmt.Sprintf("%s.runs.%s.>", n.prefix, l.UID)
}

// streamNames is the names of all streams that take some subjects, or of all there are.
func (b *Bus) streamNames(ctx context.Context, subjects string) (names []string, err error) {
	err = b.ask(ctx, "STREAM.NAMES", func(ctx context.Context) error {
		names = nil
		list := b.js.StreamNames(ctx, jetstream.WithStreamListSubject(subjects))
		for name := range list.Name() {
			names = append(names, name)
		}
		return list.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	return names, nil
}

// dropAcross drops streams of a cluster. The server that is to drop one may be away, or all may be: after dropWait what is left
// is left, for the next time.
func (s *Storage) dropAcross(ctx context.Context, names []string) error {
	bounded, cancel := context.WithTimeout(ctx, dropWait)
	defer cancel()
	for len(names) > 0 && bounded.Err() == nil {
		var mu sync.Mutex
		var left []string
		var dropping sync.WaitGroup
		for _, name := range names {
			dropping.Go(func() {
				if !s.dropOnce(bounded, name) {
					mu.Lock()
					defer mu.Unlock()
					left = append(left, name)
				}
			})
		}
		dropping.Wait()
		names = left
	}
	return ctx.Err()
}

// dropOnce asks once, and reports whether the stream is dropped. One whose server does not answer is forgotten by the cluster
// all the same, and is not found the next time.
func (s *Storage) dropOnce(ctx context.Context, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, dropWait/3)
	defer cancel()
	err := s.bus.js.DeleteStream(ctx, name)
	if err != nil && ctx.Err() == nil && !errors.Is(err, jetstream.ErrStreamNotFound) { // no leader: not at once again
		_ = wait(ctx, 50*time.Millisecond)
	}
	return err == nil || errors.Is(err, jetstream.ErrStreamNotFound)
}
