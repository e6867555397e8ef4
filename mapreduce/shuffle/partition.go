package shuffle

import "github.com/zeebo/xxh3"

// Partition is the partition, of so many, that a key belongs to.
//
// It is part of the wire contract: every binary that takes part in a job must send a key to the same place, so the
// function depends on the key and the number only, and must never change. The high 32 bits of the key's XXH3 are
// scaled to the number of partitions.
func Partition(key []byte, partitions int) int {
	if partitions <= 1 {
		return 0
	}
	return int(xxh3.Hash(key) >> 32 * uint64(partitions) >> 32)
}
