package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

// leadSeen is who leads, as the state bucket says.
type leadSeen struct {
	mapreduce.Leadership
	leased bool          // somebody has renewed a lease
	silent time.Duration // since then, by the server's clock
}

// A lease is renewed every 250 ms, and a standby looks as often. One that was written so long ago is written no more.
const (
	leaseOld = 2 * time.Second
	probeOld = 3 * time.Second
)

// coordinator looks at who leads.
func (e *examination) coordinator(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	if err := e.readLead(ctx); err != nil {
		e.unanswered("coordinator", "read who leads", err)
		return
	}
	last := fmt.Sprintf("the last was %s, epoch %d", e.lead.Holder, e.lead.Epoch)
	if e.lead.Epoch == 0 {
		last = "nobody has ever led"
	}
	list, err := e.bus.Desk().List(ctx)
	switch {
	case errors.Is(err, mapreduce.ErrNoLeader):
		e.find(LevelWarning, "coordinator", "no coordinator leads: "+last, "start one with `jetreduce coordinator`")
	case err != nil:
		e.unheard(ctx, last, err)
	case e.lead.silent > leaseOld:
		e.find(LevelWarning, "coordinator", fmt.Sprintf("%s leads, epoch %d, and has not renewed its lease for %.1f s", e.lead.Holder, e.lead.Epoch,
			e.lead.silent.Seconds()), "look at its log: another takes its place")
	default:
		e.find(LevelOK, "coordinator", fmt.Sprintf("%s leads, epoch %d, %s", e.lead.Holder, e.lead.Epoch, count(len(list.Jobs)+list.More, "job")), "")
	}
}

// unheard says of a coordinator that it has not said what it was asked for. Last is what is known of it.
func (e *examination) unheard(ctx context.Context, last string, err error) {
	switch denied := e.denied(); {
	case denied != nil:
		e.unanswered("coordinator", "ask the coordinator", denied)
	case ctx.Err() != nil:
		e.find(LevelWarning, "coordinator", fmt.Sprintf("a coordinator is known, and does not answer within %s: %s%s", doctorWait, last, e.lead.age()),
			"it is paused, cut off or busy: look at its log; another takes its place when `jetreduce backup` runs")
	default:
		e.find(LevelWarning, "coordinator", fmt.Sprintf("a coordinator is there, and its answer is: %v; %s", err, last), "look at its log")
	}
}

// age says when the lease was renewed last, to be put behind who holds it.
func (l leadSeen) age() string {
	if !l.leased {
		return ""
	}
	return fmt.Sprintf(", whose lease was renewed %.1f s before that", l.silent.Seconds())
}

// readLead reads epoch and lease as a standby does.
func (e *examination) readLead(ctx context.Context) error {
	state, err := e.bus.firstWord(ctx, bucket(e.bus.names.state()))
	if err != nil {
		return err
	}
	now := state.CachedInfo().TimeStamp
	lease, err := e.bus.renewal(ctx, state)
	if err != nil {
		return err
	}
	epoch, err := e.bus.last(ctx, state, epochKey)
	if err != nil {
		return err
	}
	e.lead, err = leadAt(now, epoch, lease)
	return err
}

// leadAt is what the records say to who looks at them now. The lease may be younger: it is read after the clock.
func leadAt(now time.Time, epoch, lease *jetstream.RawStreamMsg) (seen leadSeen, err error) {
	if seen.Leadership, err = leadership(epoch, lease); err == nil && lease != nil {
		seen.leased, seen.silent = true, max(0, now.Sub(lease.Time))
	}
	return seen, err
}

// workers looks at who runs tasks, as far as the leader has heard of them.
func (e *examination) workers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	list, err := e.bus.Desk().Workers(ctx)
	switch {
	case err != nil:
		e.find(LevelUnknown, "workers", "only a coordinator that leads knows them, and none has answered", "")
	case len(list) == 0:
		e.find(LevelWarning, "workers", "no worker has been heard of", "start one with `jetreduce worker`")
	default:
		slots := 0
		for _, m := range list {
			for class, n := range m.Slots {
				if class != mapreduce.IO { // each worker has one beside those that it was told to have
					slots += n
				}
			}
		}
		e.find(LevelOK, "workers", fmt.Sprintf("%s with %s", count(len(list), "worker"), count(slots, "slot")), "")
	}
}

// standbys looks at who would take over: each standby writes its probe again and again.
func (e *examination) standbys(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	names, err := e.probing(ctx)
	switch {
	case err != nil:
		e.unanswered("standbys", "look for standbys", err)
	case len(names) == 0:
		e.find(LevelWarning, "standbys", "none: nobody takes over when the coordinator dies", "start `jetreduce backup`, on another machine if there is one")
	default:
		e.find(LevelOK, "standbys", members(names), "")
	}
}

// probing returns the processes whose probe is fresh, but for the one that leads, and for doctors.
func (e *examination) probing(ctx context.Context) (names []string, err error) {
	state, err := e.bus.firstWord(ctx, bucket(e.bus.names.state()))
	if err != nil {
		return nil, err
	}
	prefix := key(e.bus.names.state(), probeKey(""))
	info, err := state.Info(ctx, jetstream.WithSubjectFilter(prefix+"*"))
	if err != nil {
		return nil, err
	}
	for subject := range info.State.Subjects {
		process := strings.TrimPrefix(subject, prefix)
		if process == e.lead.Holder || strings.HasPrefix(process, doctorProbe) {
			continue
		}
		probe, err := e.bus.last(ctx, state, probeKey(process))
		if err != nil {
			return nil, err
		}
		if probe != nil && info.TimeStamp.Sub(probe.Time) < probeOld {
			names = append(names, process)
		}
	}
	return names, nil
}
