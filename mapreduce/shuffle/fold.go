package shuffle

import (
	"bytes"

	"jetreduce/mapreduce"
)

// put takes the records of a partition in order. Key and value stand during the call.
type put func(key, value []byte) error

// fold combines neighbours that share a key (section 4.3 of the paper). It may see a value that is itself a fold, of a
// spill: that is why a combiner must be associative.
type fold struct {
	combiner mapreduce.Combiner
	put      put
	key, acc []byte
	open     bool
}

func (f *fold) add(key, value []byte) error {
	if f.open && bytes.Equal(key, f.key) {
		f.acc = f.combiner.Combine(f.acc, value)
		return nil
	}
	if err := f.flush(); err != nil {
		return err
	}
	f.key = append(f.key[:0], key...)
	f.acc = append(f.acc[:0], value...)
	f.open = true
	return nil
}

func (f *fold) flush() error {
	if !f.open {
		return nil
	}
	f.open = false
	return f.put(f.key, f.acc)
}
