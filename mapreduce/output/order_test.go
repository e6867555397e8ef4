package output

import (
	"bytes"
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

func orderOf(tb testing.TB, name string) *Order {
	tb.Helper()
	order, err := ParseOrder(name)
	if err != nil {
		tb.Fatal(err)
	}
	return order
}

func TestShuffledRowsComeBackInTheOriginalOrder(t *testing.T) {
	for _, name := range []string{"raposa_e_as_uvas", "sample", "hamlet", "lusiadas"} {
		t.Run(name, func(t *testing.T) {
			want := reference(t, name+".csv")
			rows := bytes.SplitAfter(want, []byte("\n"))
			seed := rand.Uint64()
			rand.New(rand.NewPCG(seed, 0)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			if got := bytes.Join(sorted(orderOf(t, "original"), rows), nil); !bytes.Equal(got, want) {
				t.Errorf("rows shuffled with seed %d come in another order", seed)
			}
		})
	}
}

// sorted is CSV rows in the order of their keys.
func sorted(order *Order, rows [][]byte) [][]byte {
	byKey := map[string][]byte{}
	for _, row := range rows {
		key, _, _ := bytes.Cut(row, []byte(","))
		byKey[string(order.AppendKey(nil, key))] = row
	}
	inOrder := [][]byte{}
	for _, composite := range slices.Sorted(maps.Keys(byKey)) {
		inOrder = append(inOrder, byKey[composite])
	}
	return inOrder
}

// texts are keys close to each other, many with the same collation weights, some not UTF-8.
func texts() *rapid.Generator[[]byte] {
	pieces := []string{"a", "A", "á", "a\u0301", "à", "b", "’", "'", "-", " ", "\x00", "\x00\x01", "\x00\xff", "\x01", "\xff",
		"\xc3", "10", "9", "０", "ß", "ss", "中", "\u0300\u0323", "ﬁ", "\u200d", "\U0010FFFF", ""}
	piece := rapid.OneOf(rapid.SampledFrom(pieces), rapid.Map(rapid.Byte(), func(b byte) string { return string([]byte{b}) }))
	return rapid.Map(rapid.SliceOfN(piece, 0, 6), func(parts []string) []byte { return []byte(strings.Join(parts, "")) })
}

func orderNames() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "bytes", "original", "pt", "de-u-co-phonebk", "und", "sv", "en-u-ks-level1",
		"en-u-kn", "fr-CA-u-kb", "ja", "zh-u-co-stroke", "pt-u-ka-blanked", "en-u-ks-level1-kc", "en-u-ka-posix-ks-identic"})
}

func TestSortKeysOrderByCollationKeyThenBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := orderNames().Draw(t, "order")
		a, b := texts().Draw(t, "a"), texts().Draw(t, "b")
		order, err := ParseOrder(name)
		if err != nil {
			t.Fatal(err)
		}
		got := bytes.Compare(order.AppendKey(nil, a), order.AppendKey(nil, b))
		want := cmp.Or(bytes.Compare(weights(order, a), weights(order, b)), bytes.Compare(a, b))
		if got != want {
			t.Fatalf("%q and %q: order %d, want %d", a, b, got, want)
		}
	})
}

// weights is a collation key by a collator that has seen no other text.
func weights(order *Order, text []byte) []byte {
	if order.collator == nil {
		return nil
	}
	return collate.New(order.tag).Key(&collate.Buffer{}, text)
}

func TestSortKeyGivesItsKeyBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order, err := ParseOrder(orderNames().Draw(t, "order"))
		if err != nil {
			t.Fatal(err)
		}
		before, key := texts().Draw(t, "before"), texts().Draw(t, "key")
		composite := order.AppendKey(bytes.Clone(before), key)
		if !bytes.HasPrefix(composite, before) {
			t.Fatalf("AppendKey changed what was there")
		}
		got, err := order.Key(composite[len(before):])
		if err != nil || !bytes.Equal(got, key) {
			t.Fatalf("got %q (%v), want %q", got, err, key)
		}
	})
}

func TestGarbageIsNoSortKey(t *testing.T) {
	order := orderOf(t, "pt")
	for _, garbage := range []string{"", "abc", "a\x00", "a\x00\xff", "a\x00\x02key", "\x00\x00", "a\x00\xff\x00"} {
		if key, err := order.Key([]byte(garbage)); err == nil {
			t.Errorf("%q: got key %q", garbage, key)
		}
	}
}

func FuzzSortKey(f *testing.F) {
	f.Add([]byte("pão"), []byte("pao"))
	f.Add([]byte("\x00\xff\x00\x01"), []byte("\xff\xfe"))
	f.Add([]byte("Ⅷ 0123456789"), []byte("\u0f71\u0f71"))
	orders := []*Order{orderOf(f, "original"), orderOf(f, "en-u-kn-ks-level1"), orderOf(f, "zh-u-co-stroke")}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, order := range orders {
			_, _ = order.Key(a) // garbage, mostly
			composite := order.AppendKey(nil, a)
			if key, err := order.Key(composite); err != nil || !bytes.Equal(key, a) {
				t.Errorf("%q comes back as %q: %v", a, key, err)
			}
			order.AppendKey(nil, b)
			if again := order.AppendKey(nil, a); !bytes.Equal(again, composite) {
				t.Errorf("%q: another sort key after %q", a, b)
			}
		}
	})
}

func TestHugeKeyDoesNotStayInMemory(t *testing.T) {
	order := orderOf(t, "original")
	before := order.collator
	order.AppendKey(nil, bytes.Repeat([]byte("ã\xff"), keepBuffer/8))
	if order.collator == before {
		t.Error("the collator that has grown is still there")
	}
	order.AppendKey(nil, []byte("a"))
}

func TestSortKeysOfManyKeysAreNotAllocated(t *testing.T) {
	order := orderOf(t, "original")
	key, composite := []byte("navegação"), make([]byte, 0, 1000)
	if allocs := testing.AllocsPerRun(1, func() {
		for range 10_000 {
			composite = order.AppendKey(composite[:0], key)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations: a buffer grows", allocs)
	}
}

func TestOrdersThatNobodyKnowsAreRefused(t *testing.T) {
	for _, name := range []string{"bites", "Bytes", "asc", "num", "desc", "foo", "xx", "klingon", "utf8", "pt_PT.UTF-8", "C",
		"pt-u-ka-shiftd", "pt-u-ks-level9", "pt-u-xx-yyy", "de-u-co-nonsense", "pt-u-co-phonebk", "pt-t-en", "x-foo", "pt-u-kf-upper",
		"-", "pt-", "original-u-kn", "de-u-co", "pt-u-attr-kn", "mul"} {
		_, err := ParseOrder(name)
		if err == nil {
			t.Errorf("order %q is accepted", name)
		} else if !strings.Contains(err.Error(), "use bytes, original, emitted, or a language tag such as pt") {
			t.Errorf("order %q: the message does not help: %v", name, err)
		}
	}
}

// Not one language that package language knows may make x/text/collate panic.
func TestEveryLanguageOfTwoLettersHasAnOrder(t *testing.T) {
	for first := 'a'; first <= 'z'; first++ {
		for second := 'a'; second <= 'z'; second++ {
			name := string([]rune{first, second})
			_, unknown := language.Parse(name)
			order, err := ParseOrder(name)
			if (unknown == nil) != (err == nil) {
				t.Errorf("order %q: %v", name, err)
			}
			if err == nil {
				order.AppendKey(nil, []byte("a"))
			}
		}
	}
}

func TestOrdersFollowTheirSettings(t *testing.T) {
	for name, want := range map[string]string{
		"bytes":           "10 9 A a b Ä ä",
		"en":              "10 9 a A ä Ä b",
		"pt_PT":           "10 9 a A ä Ä b",
		"sv":              "10 9 a A b ä Ä",
		"en-u-kn":         "9 10 a A ä Ä b",
		"en-u-kn-true":    "9 10 a A ä Ä b",
		"en-u-kn-false":   "10 9 a A ä Ä b",
		"en-u-ks-level1":  "10 9 A a Ä ä b",
		"de-u-co-phonebk": "10 9 a A ä Ä b",
	} {
		order := orderOf(t, name)
		keys := strings.Fields(want)
		slices.Sort(keys) // bytes
		slices.SortFunc(keys, func(a, b string) int {
			return bytes.Compare(order.AppendKey(nil, []byte(a)), order.AppendKey(nil, []byte(b)))
		})
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("order %s: got %s, want %s", name, got, want)
		}
	}
}

func TestBytesIsTheKeyItself(t *testing.T) {
	order := orderOf(t, "bytes")
	if got := order.AppendKey([]byte("x"), []byte("\x00k")); string(got) != "x\x00k" {
		t.Errorf("got %q", got)
	}
	if key, err := order.Key([]byte("\x00")); err != nil || string(key) != "\x00" {
		t.Errorf("got %q, %v", key, err)
	}
}

func TestEmittedIsNoOrder(t *testing.T) {
	if order, err := ParseOrder(Emitted); order != nil || err != nil {
		t.Errorf("%v, %v", order, err)
	}
	must(t, Check(mapreduce.Target{To: target(t.TempDir()).To, Order: Emitted}))
}
