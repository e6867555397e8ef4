package tcp

import (
	"testing"

	"jetreduce/mapreduce"
)

// FuzzBlobs takes a text the whole way, without the wire: cut into blobs, written, read, counted, written and read again.
func FuzzBlobs(f *testing.F) {
	f.Add(nasty(50), uint8(10))
	f.Add([]byte("a\r\nb\r"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		want, got := tallied(t, text), tally{}
		mapper, err := wordcount(t).Mapper(nil)
		must(t, err)
		h := &hand{mapper: mapper, orderKey: originalOrder}
		for rest := text; len(rest) > 0; {
			end := mapreduce.BlobEnd(rest, int(size)+1, true)
			var request, reply message
			must(t, request.parse(appendMapRequest(nil, rest[:end])))
			counts, err := h.count(t.Context(), request.blob)
			must(t, err)
			must(t, reply.parse(appendReply(nil, mapReply, counts)))
			if blob := tallied(t, rest[:end]); of(reply.value[0]).sum != blob.sum {
				t.Fatalf("blob %q is counted %v", rest[:end], reply.value)
			}
			for _, count := range reply.value[0] {
				got.add(count.Word, count.N)
			}
			rest = rest[end:]
		}
		if got.total != want.total || got.sum != want.sum {
			t.Fatalf("%q: %d words, want %d", text, got.total, want.total)
		}
	})
}

// tallied is the words of a text as the program itself finds them.
func tallied(t testing.TB, text []byte) (sum tally) {
	t.Helper()
	mapper, err := wordcount(t).Mapper(nil)
	must(t, err)
	must(t, mapper.Map(t.Context(), mapreduce.Batch{Data: text}, &sum))
	return sum
}
