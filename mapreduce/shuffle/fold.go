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
		f.acc = owned(f.acc, f.combiner.Combine(f.acc, value))
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

// owned is what a program's function has returned that may write into mine: mine, if it has, else a copy in it. What the function was handed
// besides, and may have returned a piece of, belongs to others, who write to it.
func owned(mine, returned []byte) []byte {
	if len(returned) > 0 && cap(mine) > 0 && &returned[0] == &mine[:1][0] {
		return returned
	}
	return append(mine[:0], returned...)
}

func (f *fold) flush() error {
	if !f.open {
		return nil
	}
	f.open = false
	return f.put(f.key, f.acc)
}
