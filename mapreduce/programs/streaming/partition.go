package streaming

import (
	"github.com/zeebo/xxh3"

	"jetreduce/mapreduce"
)

// partition is what decides where a key belongs by its first fields; nil: the whole key does, as the engine has it.
func partition(c mapreduce.Commands) func(key []byte, partitions int) int {
	keyFields, fields := c.Fields()
	if fields == keyFields && c.Sort == "" {
		return nil
	}
	separator := c.FieldSeparator()
	return func(key []byte, partitions int) int {
		if partitions <= 1 {
			return 0
		}
		if fields < keyFields {
			key = key[:prefix(key, fields, separator)]
		}
		return int(xxh3.Hash(key) >> 32 * uint64(partitions) >> 32) // every binary that takes part in a job must send a key to the same place
	}
}
