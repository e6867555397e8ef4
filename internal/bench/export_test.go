package bench

// Internals that tests look at.
var (
	AgainstPeers = againstPeers
	Multiply     = multiply
	WriteRecords = writeRecords
	Same         = same
)

// MeasureOn measures on a stage, as the suite does.
var MeasureOn = Benchmark.on

// Unpacked looks at a job's maps.
var Unpacked = unpacked

// Input makes an input on a stage.
var Input = (*Stage).input

// NewHaystack is one of so many bytes or more.
func NewHaystack(bytes int64) haystack { return haystack{bytes} }

// Haystack's parts.
var (
	HaystackWrite  = haystack.write
	HaystackCheck  = haystack.check
	HaystackBlocks = haystack.blocks
	HaystackNeedle = haystack.needle
)
