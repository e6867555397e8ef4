package mapreduce

import (
	"cmp"
	"fmt"
)

// maxPool is how long the name of a pool may be: it is a part of names on the bus.
const maxPool = 32

// Check refuses what cannot be the name of a pool.
func (p Pool) Check() error {
	if p != "" && (len(p) > maxPool || !token(string(p))) {
		return fmt.Errorf("pool %.100q: use 1 to %d of A-Z a-z 0-9 _ -", p, maxPool)
	}
	return nil
}

// OrDefault is the pool that is meant: who names none means DefaultPool.
func (p Pool) OrDefault() Pool { return cmp.Or(p, DefaultPool) }

// CheckPriority refuses a priority that no job can have.
func CheckPriority(priority int) error {
	if priority < -MaxPriority || priority > MaxPriority {
		return fmt.Errorf("priority %d: use %d to %d", priority, -MaxPriority, MaxPriority)
	}
	return nil
}
