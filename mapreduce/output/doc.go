// Package output owns what a job's user gets to see: the order of the rows, which of them, how a row is written and packed, and
// the file or the directory of files that they end up in.
//
// It promises that a file or a directory appears whole or not at all, under any kill at any moment; that nothing which was there
// is replaced unless that was asked for, and nothing ever that no job has left there; and that publishing the same rows twice is
// the same as once, so that whoever finds a job's end decided may publish its output again.
//
//	Check ─▶ (the job runs) ─▶ Draft ─▶ Rows…        ─▶ Digest ─▶ (the end is decided) ─▶ Publish
//	                           Parts ─▶ Next, Row… …      └──────────────▶ Discard
//
// It refuses targets that are no files, and devices and FIFOs: what they get cannot be taken back.
package output
