//go:build !race

package bus_test

// manyRows is a table of many batches.
const manyRows = 20_000

// slow says that all takes several times as long.
const slow = false
