package shuffle

import "jetreduce/mapreduce"

var _ mapreduce.Ones = (*Sorter)(nil)

// EmitOnes adds a key's ones, so many records, at the cost of one where they are summed.
func (s *Sorter) EmitOnes(key []byte, n int64) {
	if s.table == nil {
		for one := mapreduce.One(); n > 0; n-- {
			s.keep(key, one)
		}
		return
	}
	if s.err == nil && n > 0 {
		s.records += n - 1
		s.Add(key, n)
	}
}
