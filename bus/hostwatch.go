package bus

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// hostWatch is a member's eye on the host: it finds the address, says when the host is silent, and evicts it if asked to.
type hostWatch struct {
	*Keeper
	pid    int           // whom the lock file names
	silent time.Duration // for which that process has listened and not answered
	absent time.Duration // for which it has not listened
	remind reminder
}

const (
	// watchEvery is how often a server that answers is looked at.
	watchEvery = time.Second
	// evictAfter is how long it may be silent. Only whole knocks count: time in which this process itself was paused does not.
	evictAfter = 5 * time.Second
	// absentWait is how long a host may be on its way without a word about it.
	absentWait = 2 * time.Second
)

func (w *hostWatch) run(ctx context.Context) {
	for {
		pause := w.look(ctx)
		if wait(ctx, pause) != nil {
			return
		}
	}
}

// look looks once, and returns how long to wait before the next time.
func (w *hostWatch) look(ctx context.Context) time.Duration {
	if pid, err := holder(w.c.Store); err == nil && pid != w.pid {
		w.pid, w.silent, w.absent, w.remind = pid, 0, 0, reminder{}
	}
	listens, err := BusAddress(w.c.Store)
	if err == nil {
		_, err = knock(ctx, hostPort(fromHere(listens)))
	}
	switch {
	case ctx.Err() != nil:
		return 0
	case err == nil:
		w.answered(listens)
		return watchEvery
	case errors.Is(err, errSilent):
		w.unanswered()
		return pollEvery
	}
	w.notListening(err)
	return pollEvery
}

func (w *hostWatch) answered(listens string) {
	if w.inUse() == "" {
		w.c.Log.Info("using the bus of another process", "pid", w.pid, "address", listens)
		if w.c.Addr != "" && w.c.Addr != hostPort(listens) {
			w.c.Log.Warn("the bus is in use at another address than asked for", "asked", w.c.Addr, "address", listens)
		}
		w.announce(listens)
	}
	if w.Trouble() != "" {
		w.setTrouble("")
		w.c.Log.Info("bus host answers again", "pid", w.pid)
	}
	w.silent, w.absent, w.remind = 0, 0, reminder{}
}

// unanswered: the kernel accepts connections in the host's name, and the host says nothing. It is paused, or the machine
// is out of breath.
func (w *hostWatch) unanswered() {
	w.silent += knockWait
	w.setTrouble(fmt.Sprintf("bus host pid %d does not answer", w.pid))
	if w.remind.due() {
		w.c.Log.Warn("bus host does not answer: everything waits for it", "pid", w.pid, "store", w.c.Store)
	}
	if !w.c.Fence || w.silent < evictAfter {
		return
	}
	w.silent = 0
	if err := evict(w.c.Store, w.pid); err != nil {
		w.c.Log.Error("fence the bus host", "pid", w.pid, "cause", err)
		return
	}
	w.c.Log.Warn("fenced the bus host: it did not answer", "pid", w.pid, "store", w.c.Store)
}

// notListening: the host holds the lock, and is starting or ending. It is not evicted, since a large store takes its time.
func (w *hostWatch) notListening(err error) {
	w.absent += pollEvery
	if w.absent < absentWait {
		return
	}
	w.setTrouble(fmt.Sprintf("bus host pid %d does not listen yet (%v)", w.pid, err))
	if w.remind.due() {
		w.c.Log.Warn("bus host does not listen yet: everything waits for it", "pid", w.pid, "store", w.c.Store, "cause", err)
	}
}
