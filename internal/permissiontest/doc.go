// Package permissiontest runs coordinator, worker and clients as users of a nats-server who may do what `jetreduce permissions` prints, and
// no more, in one account and in accounts of their own; and tries, as each of these users and in each of these accounts, what they may not.
package permissiontest
