//go:build race

package bus_test

// manyRows is fewer with the race detector, which makes a server slow.
const manyRows = 3_500

// slow says that all takes several times as long.
const slow = true
