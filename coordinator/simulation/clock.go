package simulation

import (
	"container/heap"
	"time"
)

// clock is virtual time: it jumps from one alarm to the next. Alarms of one instant ring in the order they were set.
type clock struct {
	now    time.Duration // since the beginning
	set    uint64        // alarms so far
	alarms alarms
}

type alarm struct {
	at    time.Duration
	order uint64
	ring  func()
}

// after sets an alarm.
func (c *clock) after(delay time.Duration, ring func()) {
	c.set++
	heap.Push(&c.alarms, alarm{c.now + delay, c.set, ring})
}

// every rings again and again, as long as ring says so.
func (c *clock) every(period time.Duration, ring func() bool) {
	c.after(period, func() {
		if ring() {
			c.every(period, ring)
		}
	})
}

// tick rings the next alarm, and reports whether there was one.
func (c *clock) tick() bool {
	if len(c.alarms) == 0 {
		return false
	}
	next := heap.Pop(&c.alarms).(alarm)
	c.now = next.at
	next.ring()
	return true
}

// date is now as the leader and the workers read it.
func (c *clock) date() time.Time { return c.dateOf(c.now) }

// dateOf is when the clock stood, or will stand, at so much.
func (c *clock) dateOf(at time.Duration) time.Time { return time.Unix(0, 0).UTC().Add(at) }

type alarms []alarm

func (a alarms) Len() int { return len(a) }

func (a alarms) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}

func (a alarms) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

func (a *alarms) Push(x any) { *a = append(*a, x.(alarm)) }

func (a *alarms) Pop() any {
	old := *a
	last := old[len(old)-1]
	old[len(old)-1] = alarm{} // lets go of what it would ring
	*a = old[:len(old)-1]
	return last
}
