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
// What it does not do: authenticate, or encrypt. Whoever reaches the port may be a worker.
package tcp
