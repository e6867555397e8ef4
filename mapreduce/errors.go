package mapreduce

import (
	"errors"
	"fmt"
)

// Sentinels that cross rooms.
var (
	// ErrDeposed: a write was refused because another leader's epoch stands.
	ErrDeposed = errors.New("another coordinator leads")
	// ErrRunsLost: committed runs are not all there; their maps must run again.
	ErrRunsLost = errors.New("runs lost")
	// ErrInputChanged: an input is not what it was when the job was planned.
	ErrInputChanged = errors.New("input changed")
	// ErrAbsent: an input is not here; another worker may have it.
	ErrAbsent = errors.New("not here")
	// ErrOvertaken: somebody else has written since one looked, and what stands is theirs.
	ErrOvertaken = errors.New("somebody else wrote first")
	// ErrNoRoom: the bus refuses to store more; somebody must make room.
	ErrNoRoom = errors.New("the bus has no room left")
	// ErrNoLeader: nobody answers requests.
	ErrNoLeader = errors.New("no coordinator leads: start one with `jetreduce coordinator`")
	// ErrUnknownJob: there is no such job.
	ErrUnknownJob = errors.New("there is no job")
	// ErrDenied: the server does not permit this user to do something.
	ErrDenied = errors.New("not permitted")
	// ErrNotMine: a task that this worker cannot do; it goes back to the queue, uncounted.
	ErrNotMine = errors.New("not for this worker")
)

// RunsLost is ErrRunsLost with the numbers of the tasks whose output is not all there.
type RunsLost struct {
	Tasks []int
	Cause error
}

func (l RunsLost) Error() string { return l.Cause.Error() }

func (l RunsLost) Unwrap() []error { return []error{ErrRunsLost, l.Cause} }

// Permanent marks an error that no other attempt can do better than: a missing input, an output that exists.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// Permanentf is Permanent of fmt.Errorf.
func Permanentf(format string, args ...any) error { return permanent{fmt.Errorf(format, args...)} }

// IsPermanent reports whether err is marked, or is one of the sentinels that no attempt can mend.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p) || errors.Is(err, ErrInputChanged)
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }
