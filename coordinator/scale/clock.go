package scale

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

// alarm is what is to happen to whom. There are millions: it is no closure.
type alarm struct {
	at    time.Duration
	order uint64
	what  action
	who   *worker
	which uint64 // of the worker: its life, or a message in the queue
}

type action uint8

const (
	tick action = iota
	look
	pump  // the leader is free again
	serve // the queue hands out tasks
	start
	beat
	finish // an attempt has done its work
	commit // a commit has come through the stream
)

func (c *clock) after(delay time.Duration, what action, who *worker, which uint64) {
	c.set++
	heap.Push(&c.alarms, alarm{c.now + delay, c.set, what, who, which})
}

// next is the next alarm, whose time it is then.
func (c *clock) next() alarm {
	a := heap.Pop(&c.alarms).(alarm)
	c.now = a.at
	return a
}

// date is now as the leader and the workers read it.
func (c *clock) date() time.Time { return time.Unix(0, 0).UTC().Add(c.now) }

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
	*a = old[:len(old)-1]
	return last
}
