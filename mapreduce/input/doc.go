// Package input turns the names of inputs into splits, and splits into batches of whole records.
//
//	inputs ─ list ─▶ files ─ gather, cut, pack ─▶ splits ─ Store ─▶ plan chunks   Plan, once a job
//	split ─ Open ─▶ Reader ─ Next ─▶ batches of whole lines                      once an attempt
//
// A record is a line: it ends with LF, a CR is one of its bytes, and the last one of a file may lack its LF. No split and
// no batch ever cuts a record, and none joins the last line of one file to the first of the next. In a job in blobs
// (PlanConfig.Blob), which is for programs that read words, a record is a word instead, and splits end at white space.
// Where a split size makes very many tiny splits, a map task gets a pack of them, and what it is handed still ends with each.
//
// It promises that the splits of a plan cover every byte of every input exactly once, in the order of the inputs, and
// that a reader which ends with io.EOF has given the bytes that were there when the job was planned. That is safe by
// comparison of identities (size, times, inode), taken when no later edit can hide behind a coarse clock, and looked at
// before and after a piece is read. What it does not see is a store through a memory mapping that was dirty before the
// plan: the system gives such a store no time of its own.
//
// Under a root (Reach) it opens nothing outside, whatever names and links say. That is safe by os.Root: the path that is
// opened is looked up below the root's descriptor, part by part, so that no link swapped in between leads out.
//
// It refuses what has no beginning and end that stay: pipes, sockets, devices. Nothing is skipped without an error.
package input
