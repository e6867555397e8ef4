package output

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// Original is the collation of the original word count's results, whose name as an order is "original".
const Original = "pt-u-ka-shifted-ks-level4"

// Order says in which order rows come. It turns keys into sort keys, which sort as plain bytes, so that the sort and the
// merge need not know about collations.
//
//	bytes      key
//	collation  collation key, 0x00 escaped as 0x00 0xFF ─▶ 0x00 0x01 ─▶ key
//
// The terminator is less than anything an escaped collation key goes on with, so a shorter one comes first; the key
// behind it settles ties, and can be had back. An Order is not safe for concurrent use: a collator has state.
type Order struct {
	tag      language.Tag
	collator *collate.Collator // nil: bytes
	buf      *collate.Buffer
}

// keepBuffer is the largest sort key, in bytes, whose buffers are kept for the next one.
const keepBuffer = 1 << 20

// ParseOrder reads the name of an order: "bytes" (also when empty), which is by unsigned bytes, "original", or a language
// tag of BCP 47, perhaps with collation settings such as de-u-co-phonebk.
func ParseOrder(name string) (*Order, error) {
	switch name {
	case "", "bytes":
		return &Order{}, nil
	case "original":
		name = Original
	}
	tag, err := collation(name)
	if err != nil {
		return nil, fmt.Errorf(
			"unknown order %q: use bytes, original, or a language tag such as pt or de-u-co-phonebk: %w", name, err)
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
	dst = appendEscaped(dst, weights)
	if len(weights) > keepBuffer {
		o.renew() // both have grown to this one key's size, and would stay so
	}
	return append(dst, key...)
}

func appendEscaped(dst, weights []byte) []byte {
	for {
		i := bytes.IndexByte(weights, 0)
		if i < 0 {
			dst = append(dst, weights...)
			return append(dst, 0, 1)
		}
		dst = append(dst, weights[:i]...)
		dst = append(dst, 0, 0xFF)
		weights = weights[i+1:]
	}
}

// Key is the key in a sort key that AppendKey appended to nothing: a piece of it, not a copy.
func (o *Order) Key(composite []byte) ([]byte, error) {
	if o.Bytes() {
		return composite, nil
	}
	for rest := composite; ; rest = rest[2:] {
		i := bytes.IndexByte(rest, 0)
		if i < 0 || i+1 == len(rest) {
			return nil, errNoEnd
		}
		rest = rest[i:]
		switch rest[1] {
		case 1:
			return rest[2:], nil
		case 0xFF:
		default:
			return nil, fmt.Errorf("read sort key: 00 %02x is no escape", rest[1])
		}
	}
}

var errNoEnd = errors.New("read sort key: it does not end")
