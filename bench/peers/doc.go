// Command peers measures what other worker pools do in a second on this machine, so that our own figure can be set beside
// theirs.
//
//	go run -C bench/peers .                            all, as a table
//	go run -C bench/peers . --only river,asynq --json  {"name":"river-tuned","tasks_per_second":…}, one a line
//	go run -C bench/peers . --tasks 10000 --rounds 1   a quick look
//
// # Method
//
// All tasks (100,000) are queued first. Then the clock starts, then the pool, and the clock stops when the *server* says that
// it holds no task any more: none waits, none is taken and not acknowledged. So a pool that acknowledges behind its own back
// gains nothing by it. Tasks do nothing and carry 256 bytes. Each measurement has a new server with an empty folder; only
// one server runs at a time. There are 3 rounds; in each, every setting has its turn, and the median counts. The table shows
// the slowest and the fastest round too: if they lie far apart, the machine was not quiet.
//
// # What is measured
//
//	jetstream                 nats-server with file storage, one consumer with explicit ack, shared by 2 pullers, each a
//	                          goroutine with a connection and a prefetch of its own. The server is this program once more,
//	                          as a process of its own. The stream keeps acknowledged messages, which is faster than a work
//	                          queue. What a pool on JetStream could do at best: no pool is around it.
//	river-tuned               River on PostgreSQL, 1000 workers, at least 2 ms between fetches, a look each 5 ms
//	river-default-poll        the same with River's default look, each second: a full fetch is followed by the next anyway
//	asynq-default             asynq on Redis, 16 workers. Redis's default persistence: snapshots now and then, so that a crash
//	                          loses what was acknowledged since
//	asynq-appendfsync-always  the same, and Redis syncs its log before it answers
//
// # Why it is fair, and where it is not
//
// Client and server are apart everywhere, on 127.0.0.1 and the same disk. Servers have the settings that they come with, but
// for what the name says. The number of workers is one that suits the pool: River's own benchmark takes 1000 to 2000, and its
// default of 100 ms between fetches would cap it at 10,000 tasks/s here, whatever the machine. What an acknowledgement is worth
// differs: PostgreSQL and Redis with appendfsync always have it on disk, JetStream and Redis by default have it in the
// operating system or in memory. Compare like with like. River keeps completed tasks for a day,
// JetStream keeps them here, asynq deletes them.
//
// The disk is that of the temporary folder (TMPDIR). Where that is in memory, syncing costs nothing, and the figures of the
// pools that sync say little.
//
// # What it needs, and leaves
//
// Redis and PostgreSQL, from Debian's packages redis-server and postgresql. As root it installs what is missing, otherwise it
// says what to install. The packages stay, and may have started services of their own, which are left alone. As root, the
// servers run as the accounts that these packages make: PostgreSQL refuses root. They listen on free ports of 127.0.0.1,
// behind a random password, in a temporary folder. They are stopped and the folder is removed at the end, after an error, and
// on an interrupt (not on kill -9).
//
// It is a module of its own, so that what it needs is no dependency of ours. The versions are pinned in its go.mod.
package main
