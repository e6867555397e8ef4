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

// histogram reads one more histogram. Its memory is that of one before, if there was one.
func (o *object) histogram() error {
	m, total, begin := o.into, int64(0), o.at
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
		n := len(*last)
		if n == most {
			return fmt.Errorf("more than %d pairs", n)
		}
		if n > 0 && n == cap(*last) && m.task != update {
			*last = slices.Grow(*last, min(1+n*(len(o.text)-o.at)/(o.at-begin), most-n)) // as many as the rest has, if it is alike
		}
		*last = append(*last, count)
		return nil
	})
}

// count reads ["word",1]. A count of nothing would make a row of nothing.
func (o *object) count() (Count, error) {
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
