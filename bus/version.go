package bus

import (
	"fmt"

	"jetreduce/mapreduce"
)

// Minor versions of nats-server 2.
const (
	// On an older one no reduce ever gets its runs: it ignores what a direct get says of a batch.
	leastMinor = 11
	// An older one ignores what a stream says of atomic batches and of lazy writes (JetStream API level 2).
	fullMinor = 12
)

// minorOf reads a version as minor version of 2, and reports whether it could; a later major version has all that 2 ever had.
func minorOf(version string) (minor int, known bool) {
	var major int
	if n, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil || n != 2 {
		return 0, false
	}
	switch {
	case major < 2:
		minor = 0
	case major > 2:
		minor = fullMinor
	}
	return minor, true
}

// recent refuses a server on which no job would end.
func recent(version string) error {
	if minor, known := minorOf(version); known && minor < leastMinor {
		return mapreduce.Permanentf("nats-server %s is too old: run 2.%d or later", version, fullMinor)
	}
	return nil
}
