package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

const (
	clockOff   = time.Second            // more is said
	slow       = 100 * time.Millisecond // likewise: a lease is renewed every 250 ms
	roundTrips = 20
	writes     = 10
)

// doctorProbe is how the name begins under which a doctor writes.
const doctorProbe = "doctor-"

// clocks compares the servers' clocks with this machine's.
func (e *examination) clocks(context.Context) {
	before, seen, worst := len(e.findings), 0, time.Duration(0)
	judge := func(server string, ahead, wrong time.Duration) {
		seen++
		worst = max(worst, ahead.Abs()+wrong)
		e.clock(server, ahead, wrong)
	}
	for _, s := range e.servers {
		if !s.Time.IsZero() {
			judge("server "+s.Name, s.ahead, s.error)
		}
	}
	if seen == 0 && e.streams.timed {
		judge("the server", e.streams.ahead, e.streams.error)
	}
	switch {
	case seen == 0:
		e.find(LevelUnknown, "clock", "no server has said what time it is", "compare the clocks of its machine and this one")
	case len(e.findings) == before:
		e.find(LevelOK, "clock", fmt.Sprintf("within %s of this machine's", worst.Round(time.Millisecond/10)), "")
	}
}

// clock says that a clock is wrong, unless that may be the time that the answer took.
func (e *examination) clock(server string, ahead, wrong time.Duration) {
	if ahead.Abs()-wrong <= clockOff {
		return
	}
	side := "ahead of"
	if ahead < 0 {
		side = "behind"
	}
	e.find(LevelWarning, "clock", fmt.Sprintf("%s is %.1f s %s this machine", server, ahead.Abs().Seconds(), side),
		"set both clocks (NTP): times that users read and the expiry of uploads go by them; who leads does not")
}

// roundTrips measures how far away the server is.
func (e *examination) roundTrips(ctx context.Context) {
	took, err := measure(ctx, roundTrips, e.nc.FlushWithContext)
	if err != nil {
		e.unanswered("round trip", "measure round trips", err)
		return
	}
	seen := fmt.Sprintf("%s to the server and back (the median of %d)", shown(took), roundTrips)
	if took > slow {
		e.find(LevelWarning, "round trip", seen+": a lease is renewed every 250 ms", "run coordinators nearer to the server: over this link they depose each other")
		return
	}
	e.find(LevelOK, "round trip", seen, "")
}

// writes measures how long it takes until something is acknowledged, with a probe that nobody reads.
func (e *examination) writes(ctx context.Context) {
	subject := key(e.bus.names.state(), probeKey(doctorProbe+rand.Text()))
	defer e.sweep(ctx, subject)
	took, err := measure(ctx, writes, func(ctx context.Context) error {
		_, err := e.bus.js.Publish(ctx, subject, strconv.AppendInt(nil, mapreduce.RecordVersion, 10))
		return err
	})
	if err != nil {
		e.unwritten(err)
		return
	}
	seen := fmt.Sprintf("acknowledged after %s (the median of %d)", shown(took), writes)
	if took > slow {
		e.find(LevelWarning, "writes", seen+": a lease is renewed every 250 ms", "use a faster disk or network for the server: leaders depose each other when it stalls")
		return
	}
	e.find(LevelOK, "writes", seen, "")
}

func (e *examination) unwritten(err error) {
	var refusal *jetstream.APIError
	switch {
	case full(err):
		e.find(LevelUnsafe, "writes", fmt.Sprintf("there is no room: %v", err), "free disk space, or raise the limits of the account. "+
			"A bus of ours is started again by its host when there is room; another nats-server may have to be: its limit was fixed when it started")
	case errors.As(err, &refusal):
		e.find(LevelUnsafe, "writes", fmt.Sprintf("refused: %v", err), "look at the server's log: nothing can be recorded")
	default:
		e.unanswered("writes", "write a probe", err)
	}
}

// sweep removes the probe, also when the time is up. One that stays is removed by the leader, like those of killed standbys.
func (e *examination) sweep(ctx context.Context, subject string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	state, err := e.bus.js.Stream(ctx, bucket(e.bus.names.state()))
	if err == nil {
		_ = state.Purge(ctx, jetstream.WithPurgeSubject(subject))
	}
}

// measure returns the median of several calls, or of those for which there was time. The error is that of the first call.
func measure(ctx context.Context, calls int, call func(ctx context.Context) error) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	var took []time.Duration
	for range calls {
		begun := time.Now()
		err := call(ctx)
		if err != nil && len(took) == 0 {
			return 0, err
		}
		if took = append(took, time.Since(begun)); err != nil {
			break // it took at least so long
		}
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// shown is a time that users read.
func shown(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }
