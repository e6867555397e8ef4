// Package input turns the names of inputs into splits, and splits into batches of whole records.
//
//	inputs ─ list ─▶ files ─ gather, cut, pack ─▶ splits ─ Store ─▶ plan chunks   Plan, once a job
//	split ─ Open ─▶ Reader ─ Next ─▶ batches of whole records                    once an attempt
//
// No split and no batch ever cuts a record, and none joins the last record of one file to the first of the next. What a record is, the
// job says (mapreduce.Records):
//
//   - lines: it ends with LF, a CR is one of its bytes, and the last one of a file may lack its LF
//   - ndjson: likewise, and it is one JSON value; one that is not is an error with its position, unless the caller looks for himself
//     (ReadConfig.Lenient, Check). Lines of white space are none
//   - csv: a row of RFC 4180. An LF that an odd number of quotes stands before is one of its bytes, any other ends it; empty lines
//     are none. To know that number a plan reads all that is before the last cut, and a file that ends inside quotes is refused.
//     csv:header: the first row of each input is none either
//   - fixed: so many bytes each; an input that is no whole number of them is refused
//   - whole: all of an input, which is never cut; an empty one has none
//
// An input is poured when it can only be read from its beginning to its end: it is compressed, which the ending of its name tells
// (gzip: .gz; bzip2: .bz2; zstd: .zst, .zstd), or what reads it gives it like that (mapreduce.Content.Pour). Such a source is whole
// (Source.Whole): it is one piece, however long. Offsets are those behind what unpacks it, sizes and progress those of what is
// stored. All members, streams or frames of a file are read. It is unpacked as it is read, in bounded memory, and what is cut,
// damaged or followed by something else is an error, as is a compressed file of no bytes; never a shorter answer.
//
// In a job in blobs (PlanConfig.Blob), which is for programs that read words, a record is a word instead, and splits end at
// white space. Where a split size makes very many tiny splits, a map task gets a pack of them, and what it is handed still ends
// with each.
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
// It refuses what has no beginning and end that stay: pipes, sockets, devices. Nothing is skipped without an error but what is said
// above to be no record.
package input
