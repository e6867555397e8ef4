package programs

import (
	"unicode/utf8"

	"jetreduce/mapreduce"
)

// Words finds the words of a text, one after another, as the original system's workers did: lower-case the text (the
// full Unicode way), delete the ASCII digits, the ASCII punctuation, « and », and split at white space. What is empty
// then is no word. Bytes that are no UTF-8 are letters, and so is a byte-order mark.
//
// It allocates nothing once its buffer has grown to the longest word that must be rewritten. The zero Words is at the
// end of an empty text. It is not safe for concurrent use.
//
//	text ─▶ window of 64 bytes ─┬─ a token of a–z, A–Z, à–ÿ ─▶ a piece of the window
//	                            └─ anything else, or longer ─▶ rewritten rune by rune
type Words struct {
	text   []byte
	base   int // where the window stands in the text
	next   int // where the next window begins
	window window
	begins uint64 // of the tokens in the window that are still to come
	ends   uint64
	end    [width]byte // the text's end, filled up with white space to a window
	buf    []byte      // the last word that had to be rewritten
}

// keepBuffer is the largest buffer, in bytes, that Reset keeps: one monstrous word is not paid for until the end.
const keepBuffer = 1 << 20

// Reset begins a new text. Words that were returned before are not valid any more.
func (w *Words) Reset(text []byte) {
	w.text, w.base, w.next, w.begins, w.ends = text, 0, 0, 0, 0
	if cap(w.buf) > keepBuffer {
		w.buf = nil
	}
}

// Next is the next word, or nil at the end. It is valid until the next call.
func (w *Words) Next() []byte {
	for {
		if w.ends == 0 {
			if w.next >= len(w.text) {
				return nil
			}
			if !w.advance() && w.rewriteLong() {
				return w.buf
			}
			continue
		}
		begin, end := first(w.begins)&(width-1), first(w.ends)&(width-1)
		inside := w.ends&-w.ends - w.begins&-w.begins
		w.begins &= w.begins - 1
		w.ends &= w.ends - 1
		if w.window.odd&inside == 0 {
			return w.window.lower[begin:end:end]
		}
		if w.rewriteToken(begin, end) {
			return w.buf
		}
	}
}

// emit emits mapreduce.One for each word that is left: by the window, where the output takes that.
func (w *Words) emit(out mapreduce.Output) {
	one := mapreduce.One()
	many, _ := out.(mapreduce.Tokens)
	for word := w.Next(); word != nil; word = w.Next() {
		out.Emit(word, one)
		if many != nil {
			w.emitWindows(many)
		}
	}
}

// emitWindows emits up to where Next is needed.
func (w *Words) emitWindows(out mapreduce.Tokens) {
	for w.window.odd&(w.ends-w.begins) == 0 { // the difference is the bits of the tokens, and those above the last end
		out.EmitTokens(w.window.lower[:], w.begins, w.ends)
		if w.begins, w.ends = 0, 0; w.next >= len(w.text) || !w.advance() {
			return
		}
	}
}

// advance moves the window on. It reports false when a token begins where the window does and is longer: then the
// window is of no use to it.
func (w *Words) advance() bool {
	w.base = w.next
	rest := w.text[w.base:]
	if len(rest) < width {
		n := copy(w.end[:], rest)
		for i := n; i < width; i++ {
			w.end[i] = ' '
		}
		rest = w.end[:]
	}
	w.window.read(rest)
	w.begins, w.ends = w.window.tokens()
	w.next = w.base + width
	if w.begins > w.ends { // the last token goes on behind the window
		w.next = w.base + last(w.begins)
	}
	return w.next > w.base
}

// rewriteLong rewrites the token that begins with the window and is longer, and goes on behind it.
func (w *Words) rewriteLong() bool {
	w.begins = 0
	w.next = w.rewrite(w.base)
	return len(w.buf) > 0
}

// rewriteToken rewrites a token of the window. White space beyond ASCII, of which the window knows nothing, leaves a rest
// of it for later.
func (w *Words) rewriteToken(begin, end int) bool {
	if rest := w.rewrite(w.base+begin) - w.base; rest < end {
		w.begins |= 1 << rest
		w.ends |= 1 << end
	}
	return len(w.buf) > 0
}

// rewrite puts the word of the token that begins at i into the buffer, which stays empty when nothing of it is left, and
// returns where to go on.
func (w *Words) rewrite(begin int) int {
	token, i := w.text[begin:], 0
	w.buf = w.buf[:0]
	for i < len(token) && classOf[token[i]] != space {
		switch c := token[i]; classOf[c] {
		case deleted:
			i++
		case small:
			w.buf = append(w.buf, c)
			i++
		case capital:
			w.buf = append(w.buf, c|0x20)
			i++
		case wide:
			r, size := utf8.DecodeRune(token[i:])
			if isWideSpace(r) {
				return begin + i + size
			}
			w.buf = appendWide(w.buf, token, i, r, size)
			i += size
		}
	}
	return begin + i
}
