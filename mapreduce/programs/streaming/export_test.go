package streaming

import "time"

// WithClock has a test say what time it is: whatever is sent to ticks is a moment to look for silence.
func (c Config) WithClock(now func() time.Time, ticks <-chan time.Time) Config {
	c.clock = clock{now: now, every: func(time.Duration) (<-chan time.Time, func()) { return ticks, func() {} }}
	return c
}
