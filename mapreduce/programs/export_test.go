package programs

import "jetreduce/mapreduce"

// The properties of runes that the written rule names, for the tests' slow reading of it; a test against Python checks
// these themselves.
var (
	IsCased     = isCased
	IsIgnorable = isIgnorable
	Distance    = distance
)

// InLines is what a pattern is looked for with.
var InLines = inLines

// SplitCSV is the fields of a record of CSV.
func SplitCSV(record []byte, comma byte) ([][]byte, error) {
	fields, _, err := splitCSV(nil, nil, record, comma)
	return fields, err
}

// AppendCSV is a field of CSV.
var AppendCSV = appendCSV

// JSONField is what stands at a dotted path.
var JSONField = jsonField

// Decimal is what a number is sorted by, and as it is written.
func Decimal(text string) (order, canonical []byte, ok bool) {
	d, ok := parseDecimal([]byte(text))
	if !ok {
		return nil, nil, false
	}
	return d.appendOrder(nil), d.appendText(nil), ok
}

// SmallJoin is join with room for so many bytes of left records.
func SmallJoin(most int) mapreduce.Program {
	program := join()
	program.Reducer = func(map[string]string) (mapreduce.Reducer, error) { return &pairing{kind: "inner", most: most}, nil }
	return program
}
