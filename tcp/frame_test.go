package tcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func framed(t testing.TB, framing Framing, messages ...string) []byte {
	t.Helper()
	var all []byte
	for _, message := range messages {
		var err error
		all, err = AppendFrame(all, framing, func(dst []byte) []byte { return append(dst, message...) })
		must(t, err)
	}
	return all
}

// pieces reads a stream in pieces of given sizes, then whole.
type pieces struct {
	rest  []byte
	sizes []int
}

func (p *pieces) Read(into []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := min(len(p.rest), len(into))
	if len(p.sizes) > 0 {
		n, p.sizes = min(n, p.sizes[0]), p.sizes[1:]
	}
	copy(into, p.rest[:n])
	p.rest = p.rest[n:]
	return n, nil
}

// anyMessage is of any size, about that of a buffer and far from it.
func anyMessage() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return "{" + strings.Repeat(rapid.StringMatching("[^\\x04]{1,9}").Draw(t, "text"), rapid.IntRange(0, 3000).Draw(t, "times"))
	})
}

func TestFramesSurviveAnySplit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		framing := rapid.SampledFrom([]Framing{EOT, Length}).Draw(rt, "framing")
		messages := rapid.SliceOfN(anyMessage(), 0, 5).Draw(rt, "messages")
		sizes := rapid.SliceOf(rapid.IntRange(1, 5000)).Draw(rt, "sizes")
		reader := NewReader(&pieces{framed(t, framing, messages...), sizes}, MaxFrame)
		for _, want := range messages {
			if got, err := reader.Next(); err != nil || string(got) != want {
				rt.Fatalf("got %q, %v, want %q", got, err, want)
			}
		}
		if got, err := reader.Next(); !errors.Is(err, io.EOF) {
			rt.Fatalf("got %q, %v behind the last", got, err)
		}
	})
}

func TestEndInsideAMessageIsNotACleanEnd(t *testing.T) {
	t.Parallel()
	for _, framing := range []Framing{EOT, Length} {
		all := framed(t, framing, `{"a":1}`)
		for n := range all {
			_, err := NewReader(bytes.NewReader(all[:n]), MaxFrame).Next()
			want := io.ErrUnexpectedEOF
			if n == 0 {
				want = io.EOF
			}
			if err != want {
				t.Errorf("framing %d, %d bytes: %v, want %v", framing, n, err, want)
			}
		}
	}
}

func TestWhiteSpaceMayStandBetweenMessages(t *testing.T) {
	t.Parallel()
	reader := NewReader(iotest.OneByteReader(strings.NewReader(" \r\n{}\x04\n\t {}\x04\n")), MaxFrame)
	for range 2 {
		if got, err := reader.Next(); err != nil || strings.TrimSpace(string(got)) != "{}" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if _, err := reader.Next(); err != io.EOF {
		t.Errorf("white space before the end: %v", err)
	}
}

func TestLimitIsThatOfTheMoment(t *testing.T) {
	t.Parallel()
	for _, framing := range []Framing{EOT, Length} {
		small, large := strings.Repeat("x", 99), strings.Repeat("x", 100)
		stream := framed(t, framing, "{"+small, "{"+large, "{"+large)
		reader := NewReader(bytes.NewReader(stream), 100)
		for i, fits := range []bool{true, true, false} {
			reader.SetLimit([]int{100, 101, 100}[i])
			if _, err := reader.Next(); (err == nil) != fits || err != nil && !errors.Is(err, ErrTooLarge) {
				t.Errorf("framing %d, message %d: %v", framing, i, err)
			}
		}
	}
}

// endless is a frame that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '{'
	}
	e.read += len(p)
	return len(p), nil
}

func TestFrameWithoutAnEndIsRefusedAtTheLimit(t *testing.T) {
	t.Parallel()
	stream := &endless{}
	if _, err := NewReader(stream, smallMost).Next(); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if stream.read > smallMost+4*firstRead {
		t.Errorf("%d bytes were read", stream.read)
	}
}

func TestLengthPromisesNoMemory(t *testing.T) {
	promise := binary.BigEndian.AppendUint32(nil, MaxFrame)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, err := NewReader(bytes.NewReader(promise), MaxFrame).Next(); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > MaxFrame {
		t.Errorf("%d bytes for 100 promises", grown)
	}
}

// A length that is too large is one when a message has told that lengths are spoken, or when some message may have it.
func TestLengthThatIsTooLargeIsNoOtherProtocol(t *testing.T) {
	t.Parallel()
	large := binary.BigEndian.AppendUint32(nil, MaxFrame)
	beyond := binary.BigEndian.AppendUint32(nil, MaxFrame+1)
	reader := NewReader(bytes.NewReader(append(framed(t, Length, "{}"), beyond...)), smallMost)
	_, err := reader.Next()
	must(t, err)
	for what, reader := range map[string]*Reader{"second": reader, "first": NewReader(bytes.NewReader(large), smallMost)} {
		if _, err := reader.Next(); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := NewReader(bytes.NewReader(beyond), smallMost).Next(); !errors.Is(err, errForeign) {
		t.Error(err)
	}
}

// White space behind a large message does not keep its memory.
func TestLargeBufferIsGivenBack(t *testing.T) {
	t.Parallel()
	for _, behind := range []string{"", "\n", " {"} {
		stream := append(framed(t, EOT, "{"+strings.Repeat(" ", 2*keepBuffer)+"}"), behind...)
		reader := NewReader(bytes.NewReader(stream), MaxFrame)
		_, err := reader.Next()
		must(t, err)
		if _, err := reader.Next(); err != io.EOF && err != io.ErrUnexpectedEOF {
			t.Error(err)
		}
		if size := cap(reader.buf); size > keepBuffer {
			t.Errorf("behind is %q, and %d bytes are kept", behind, size)
		}
	}
}

func TestFramesOfTheMostBytes(t *testing.T) {
	t.Parallel()
	large := "{" + strings.Repeat(" ", MaxFrame-2) + "}"
	for _, framing := range []Framing{EOT, Length} {
		reader := NewReader(bytes.NewReader(framed(t, framing, large, "{}")), MaxFrame)
		if got, err := reader.Next(); err != nil || len(got) != MaxFrame {
			t.Errorf("framing %d: %d bytes, %v", framing, len(got), err)
		}
		if got, err := reader.Next(); err != nil || string(got) != "{}" {
			t.Errorf("framing %d: %q, %v behind it", framing, got, err)
		}
		_, err := AppendFrame(nil, framing, func(dst []byte) []byte { return append(append(dst, large...), ' ') })
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("framing %d: one byte more: %v", framing, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("{}\x04 {}\x04"), uint8(3))
	f.Add([]byte("\x00\x00\x00\x02{}\x00\x00\x00\x01x"), uint8(1))
	f.Add([]byte("GET / HTTP/1.1\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		sizes := make([]int, len(stream))
		for i := range sizes {
			sizes[i] = int(size) + 1
		}
		whole, split := NewReader(bytes.NewReader(stream), 1000), NewReader(&pieces{stream, sizes}, 1000)
		for total := 0; ; {
			a, errA := whole.Next()
			b, errB := split.Next()
			if !bytes.Equal(a, b) || (errA == nil) != (errB == nil) {
				t.Fatalf("whole %q, %v; split %q, %v", a, errA, b, errB)
			}
			if errA != nil {
				return
			}
			if total += len(a) + 1; total > len(stream) {
				t.Fatal("more than the stream")
			}
		}
	})
}
