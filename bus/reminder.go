package bus

import "time"

// reminder says when to say again what has not changed: at once, then every 10 s.
type reminder struct{ said time.Time }

const remindEvery = 10 * time.Second

func (r *reminder) due() bool {
	if !r.said.IsZero() && time.Since(r.said) < remindEvery {
		return false
	}
	r.said = time.Now()
	return true
}
