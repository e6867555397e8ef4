// Package original is what the original system's processes do, to the byte, with their weaknesses: for tests that something serves
// them unmodified.
//
//	Worker        registers, maps, reduces; reads 4096 bytes at a time, and takes the end of a read for the end of a message
//	Backup        registers, keeps the latest update, takes over when the coordinator is gone
//	Coordinator   cuts blobs, hands them out, has the replies merged by twos
//
// The Coordinator alone is better than its original: it counts right when workers die, and when it takes over from a prefix that is right.
package original
