package programs

// The properties of runes that the written rule names, for the tests' slow reading of it; a test against Python checks
// these themselves.
var (
	IsCased     = isCased
	IsIgnorable = isIgnorable
	Distance    = distance
)

// InLines is what a pattern is looked for with.
var InLines = inLines
