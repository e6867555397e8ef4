// Package tcp speaks the protocol of the original system, JSON over TCP, so that its workers and its backups can be used
// unmodified: as a server with the originals for clients, and as a client of any server, an original one too.
//
//	original worker ──register──▶ ┌────────┐ Work(ctx, Peer)   Peer.Program() is the program done by the peer:
//	     ▲  map_request, reply    │ Server │ ────────────────▶   Mapper   text ─▶ blobs ─▶ map_request ─▶ checked ─▶ pairs
//	     └──reduce_request, reply─┤        │                     Reducer  groups ─▶ histograms ─▶ reduce_request… ─▶ rows
//	original backup ──reg_backup▶ │        │ ◀── Update(index, histograms), for the backups
//	                              └────────┘
//	Client.Run: a worker of whoever listens        Standby: a backup of whoever listens
//
// It promises that what a peer says is used only if it is right: the words of a map_reply must be those that the program
// itself finds in the blob, a reduce_reply must be the sum of what was sent. A peer that is wrong, silent or gone costs its
// connection; the caller gets mapreduce.ErrNotMine, and hands the task back.
//
// A message to a peer is ASCII, and is alone on its way: an original reads 4096 bytes at a time, decodes each read on its own, and
// takes the end of a read for the end of a message.
//
// What a peer may cost is bounded by what was asked of it. Until it registers, and while nothing is asked, it may say 64 KiB; a reply may
// have 64 KiB and four times what the right one has, 64 MiB at most, and 1024 pairs more than that (32 bytes each, besides their words). A
// buffer that grows is there twice for a moment. Between messages a peer keeps 1 MiB of each of its buffers at most. So 2000 peers that
// are asked for blobs of 1024 characters cost some hundred MB at the worst, by this arithmetic, and a connection that never registers costs
// what it says, for 10 s. What is sent to backups is there once for all of one framing, as long as one of them takes it.
//
// What it does not do: authenticate, or encrypt. Whoever reaches the port may be a worker.
package tcp
