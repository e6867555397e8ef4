package backup

import (
	"log/slog"
	"time"
)

// Config says how to stand by. The zero value but for Log is good for one server.
type Config struct {
	// Every is the time between renewals, and between looks; 250 ms. A renewal or look that takes longer than two of it
	// is given up, so it must be longer than a few round trips to the bus.
	Every time.Duration
	// Silence is for how long a leader shows no life until it is replaced; 1 s. Several times Every, or a single late
	// renewal costs a leadership.
	Silence time.Duration
	// FirstWait is for how long to wait for another to lead when nobody ever has; 0: do not wait. A process that is a
	// standby by its user's wish waits 5 s, say, so that the first coordinator gets the first epoch.
	FirstWait time.Duration
	// Rest is for how long not to compete after a leadership that ended in an error; 2 s.
	Rest time.Duration
	// CallWait is how long acquiring, releasing and leaving may take; 2 s.
	CallWait time.Duration

	Log *slog.Logger // needed
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Every, 250 * time.Millisecond},
		{&c.Silence, time.Second},
		{&c.Rest, 2 * time.Second},
		{&c.CallWait, 2 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// callLimit bounds a renewal or a look. One that takes longer proves nothing in time, and would stand in the way of the
// next: after the bus was away, a leader must be able to renew well within Silence.
func (c Config) callLimit() time.Duration { return 2 * c.Every }
