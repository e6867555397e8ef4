package output

import (
	"fmt"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"jetreduce/mapreduce/shuffle"
)

// Original is the collation of the original word count's results, whose name as an order is "original".
const Original = "pt-u-ka-shifted-ks-level4"

// Order says in which order rows come. It turns keys into sort keys, which sort as plain bytes, so that the sort and the
// merge need not know about collations.
//
//	bytes      key
//	collation  collation key and key, as shuffle.AppendSortKey has them: the key settles ties, and can be had back
//
// An Order is not safe for concurrent use: a collator has state.
type Order struct {
	tag      language.Tag
	collator *collate.Collator // nil: bytes
	buf      *collate.Buffer
}

// Emitted is the name of no order: rows come as they are emitted, partition after partition, or, of a job that is map only,
// as the input is.
const Emitted = "emitted"

// keepBuffer is the largest sort key, in bytes, whose buffers are kept for the next one.
const keepBuffer = 1 << 20

// ParseOrder reads the name of an order: "bytes" (also when empty), which is by unsigned bytes, "original", or a language
// tag of BCP 47, perhaps with collation settings such as de-u-co-phonebk. For Emitted it is nil, as there is none.
func ParseOrder(name string) (*Order, error) {
	switch name {
	case "", "bytes":
		return &Order{}, nil
	case Emitted:
		return nil, nil
	case "original":
		name = Original
	}
	tag, err := collation(name)
	if err != nil {
		return nil, fmt.Errorf(
			"unknown order %q: use bytes, original, emitted, or a language tag such as pt or de-u-co-phonebk: %w", name, err)
	}
	order := &Order{tag: tag}
	order.renew()
	return order, nil
}

// Bytes reports whether the order is that of unsigned bytes: a sort key is the key itself.
func (o *Order) Bytes() bool { return o.collator == nil }

func (o *Order) renew() { o.collator, o.buf = collate.New(o.tag), &collate.Buffer{} }

// AppendKey appends the sort key of a key, which bytes.Compare orders.
func (o *Order) AppendKey(dst, key []byte) []byte {
	if o.Bytes() {
		return append(dst, key...)
	}
	o.buf.Reset()
	weights := o.collator.Key(o.buf, key)
	dst = shuffle.AppendSortKey(dst, weights, key)
	if len(weights) > keepBuffer {
		o.renew() // both have grown to this one key's size, and would stay so
	}
	return dst
}

// Key is the key in a sort key that AppendKey appended to nothing: a piece of it, not a copy.
func (o *Order) Key(composite []byte) ([]byte, error) {
	if o.Bytes() {
		return composite, nil
	}
	return shuffle.CutSortKey(composite)
}
