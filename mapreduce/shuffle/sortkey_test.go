package shuffle

import (
	"bytes"
	"cmp"
	"testing"
)

func FuzzSortKeysOrderByOrderThenKey(f *testing.F) {
	f.Add([]byte("a"), []byte("key"), []byte("a\x00"), []byte(""))
	f.Add([]byte("a\x00\x01"), []byte("\x00"), []byte("a\x00\xff"), []byte("\x00\x01"))
	f.Add([]byte(""), []byte("\xff"), []byte("\x00"), []byte(""))
	f.Fuzz(func(t *testing.T, orderA, a, orderB, b []byte) {
		x, y := AppendSortKey(nil, orderA, a), AppendSortKey(nil, orderB, b)
		if got, want := bytes.Compare(x, y), cmp.Or(bytes.Compare(orderA, orderB), bytes.Compare(a, b)); got != want {
			t.Errorf("%x and %x compare as %d, want %d", x, y, got, want)
		}
		if key, err := CutSortKey(x); err != nil || !bytes.Equal(key, a) {
			t.Errorf("key %q comes back as %q, error %v", a, key, err)
		}
		if y = AppendSortKey(y, orderA, a); !bytes.HasSuffix(y, x) {
			t.Errorf("appended to something it is %x, to nothing %x", y, x)
		}
		if key, err := CutSortKey(a); err == nil && !bytes.HasSuffix(a, key) { // garbage, mostly
			t.Errorf("%q holds no %q", a, key)
		}
	})
}

func TestGarbageIsNoSortKey(t *testing.T) {
	for _, garbage := range []string{"", "abc", "a\x00", "a\x00\xff", "a\x00\x02key", "\x00\x00", "a\x00\xff\x00"} {
		if key, err := CutSortKey([]byte(garbage)); err == nil {
			t.Errorf("%q: got key %q", garbage, key)
		}
	}
}
