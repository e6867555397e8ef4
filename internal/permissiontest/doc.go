// Package permissiontest runs coordinator, worker and clients as users of a nats-server who may do what `jetreduce permissions` prints, and
// no more; and tries, as each of these users, what they may not.
package permissiontest
