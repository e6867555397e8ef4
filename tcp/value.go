package tcp

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// value reads what the task has for a value.
func (o *object) value() error {
	switch o.into.task {
	case regBackup:
		return o.addr()
	case mapReply, reduceReply:
		return o.histogram()
	}
	if err := o.each('[', ']', o.histogram); err != nil {
		return err
	}
	if o.into.task == reduceRequest && len(o.into.value) != 2 {
		return fmt.Errorf("%d histograms, not two", len(o.into.value))
	}
	return nil
}

func (o *object) addr() error {
	if err := o.expect('['); err != nil {
		return err
	}
	host, err := o.str()
	if err != nil {
		return err
	}
	if err := o.expect(','); err != nil {
		return err
	}
	port, err := o.integer()
	if err != nil {
		return err
	}
	if port < 1 || port > math.MaxUint16 || len(host) > maxName {
		return errors.New("no such address")
	}
	o.into.addr = Addr{string(host), int(port)}
	return o.expect(']')
}

// histogram reads one more histogram. Its memory is that of one before, if there was one. A word that repeats the one before it, as
// those of a sorted blob do, has their counts in one.
func (o *object) histogram() error {
	m, total, pairs, begin := o.into, int64(0), 0, o.at
	most := cmp.Or(m.most, math.MaxInt)
	m.value = slices.Grow(m.value, 1)[:len(m.value)+1]
	last := &m.value[len(m.value)-1]
	*last = (*last)[:0]
	return o.each('[', ']', func() error {
		count, err := o.count()
		if err != nil {
			return err
		}
		if count.N > math.MaxInt64-total {
			return errors.New("counts whose sum is beyond 64 bits")
		}
		total += count.N
		if pairs == most {
			return fmt.Errorf("more than %d pairs", pairs)
		}
		pairs++
		n := len(*last)
		if n > 0 && n == cap(*last) && m.task != update {
			*last = slices.Grow(*last, min(1+n*(len(o.text)-o.at)/(o.at-begin), most-n)) // as many as the rest has, if it is alike
		}
		*last = last.with(count)
		return nil
	})
}

// with is a histogram with one more count, which is added to the last if that is of the same word.
func (h Histogram) with(count Count) Histogram {
	n := len(h)
	if n == 0 || string(h[n-1].Word) != string(count.Word) {
		return append(h, count)
	}
	h[n-1].N += count.N
	return h
}

// count reads ["word",1]. A count of nothing would make a row of nothing.
func (o *object) count() (Count, error) {
	if count, ok := o.usual(); ok {
		return count, nil
	}
	if err := o.expect('['); err != nil {
		return Count{}, err
	}
	word, err := o.str()
	if err != nil {
		return Count{}, err
	}
	if err := o.expect(','); err != nil {
		return Count{}, err
	}
	n, err := o.integer()
	if err != nil {
		return Count{}, fmt.Errorf("count of %.40q: %w", word, err)
	}
	if n == 0 {
		return Count{}, fmt.Errorf("count of %.40q: none", word)
	}
	return Count{word, n}, o.expect(']')
}

// usual reads a pair as nearly all are, ["word", 1] with or without the space, and leaves any other to be read with more care.
func (o *object) usual() (Count, bool) {
	text := o.text[o.at:]
	if len(text) < len(`["",1]`) || text[0] != '[' || text[1] != '"' {
		return Count{}, false
	}
	end := 2 + plainly(text[2:])
	rest := text[end:]
	if len(rest) > 2 && rest[2] == ' ' {
		rest = rest[1:]
	}
	if len(rest) < len(`",1]`) || text[end] != '"' || text[end+1] != ',' || rest[2] < '1' || rest[2] > '9' || rest[3] != ']' {
		return Count{}, false
	}
	o.at = len(o.text) - len(rest) + len(`",1]`)
	return Count{text[2:end:end], int64(rest[2] - '0')}, true
}
