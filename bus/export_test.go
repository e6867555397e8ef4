package bus

import (
	"github.com/nats-io/nats.go"

	"jetreduce/mapreduce"
)

// Evict is what a keeper does to a host that does not answer.
var Evict = evict

// AloneWarning is what SetUp says of a cluster that is too small.
const AloneWarning = aloneWarning

// KnowCopies has b know how many servers have the lanes of a job.
func (b *Bus) KnowCopies(uid mapreduce.UID, n int) { b.copies.set(uid, n) }

// WhatWaits is the request of a slot that asks ahead.
var WhatWaits = whatWaits

// SyncsAlways reports whether the server writes to the disk before it acknowledges.
func (h *Host) SyncsAlways() bool { return h.server.JetStreamConfig().SyncAlways }

// RecordsRoom is how many bytes streams in memory may take.
func (h *Host) RecordsRoom() int64 { return h.server.JetStreamConfig().MaxMemory }

// OnDiskWith is the same host on a disk that has so many bytes left.
func (c HostConfig) OnDiskWith(free int64) HostConfig {
	c.free = func(string) (int64, error) { return free, nil }
	return c
}

// OnDiskWith is the same bus on a disk that has as many bytes left as is said when it is asked.
func (c ServeConfig) OnDiskWith(free func() int64) ServeConfig {
	c.free = func(string) (int64, error) { return free(), nil }
	return c
}

// Conn is the connection of a bus.
func (b *Bus) Conn() *nats.Conn { return b.nc }
