package mapreduce_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func TestCompoundKeysStandTogetherInTheOrderOfTheirOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytesOf := rapid.SliceOf(rapid.SampledFrom([]byte{0, 1, 2, 0xFE, 0xFF, 'a'}))
		a, b := bytesOf.Draw(t, "a"), bytesOf.Draw(t, "b")
		behindA, behindB := bytesOf.Draw(t, "behind a"), bytesOf.Draw(t, "behind b")
		keyA, keyB := append(mapreduce.AppendGroup(nil, a), behindA...), append(mapreduce.AppendGroup(nil, b), behindB...)
		if order := bytes.Compare(a, b); order != 0 && bytes.Compare(keyA, keyB) != order {
			t.Fatalf("%x and %x sort as %x and %x", a, b, keyA, keyB)
		}
		if group := mapreduce.GroupOf(keyA); !bytes.Equal(group, mapreduce.AppendGroup(nil, a)) {
			t.Fatalf("group of %x is %x", keyA, group)
		}
		if key := mapreduce.AppendGroupKey(nil, keyA); !bytes.Equal(key, a) {
			t.Fatalf("%x was made of %x, not %x", keyA, a, key)
		}
	})
}

func FuzzCompoundKeysOfAnyBytes(f *testing.F) {
	f.Add([]byte("a\x00\x01b"))
	f.Add([]byte("a\x00"))
	f.Add([]byte("\x00\xff\x00"))
	f.Fuzz(func(t *testing.T, compound []byte) {
		if group := mapreduce.GroupOf(compound); !bytes.HasPrefix(compound, group) {
			t.Fatalf("group of %x is %x", compound, group)
		}
		mapreduce.AppendGroupKey(nil, compound)
	})
}
