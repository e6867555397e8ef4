package mapreduce

// Tokens is an Output that takes all tokens of a piece of text at once, each with the value One. What comes of it, and the records
// that are counted, are as if each had been emitted: a program that finds them eight bytes at a time need not stop at every one.
type Tokens interface {
	// EmitTokens copies what it keeps. Bit i of begins is set where a token begins, at text[i], and bit i of ends just behind one: so
	// tokens begin and end in the first 64 bytes, neither touch nor overlap, and are not empty. Begins may have one bit more, above
	// all ends, which is no token. From each token's begin text goes on for TokenReach bytes at least.
	//
	//	text    the fox and th…
	//	begins  #   #   #   #      the last goes on: it is for the next call
	//	ends       #   #   #
	EmitTokens(text []byte, begins, ends uint64)
}

// TokenReach is how many bytes an Output may read from the begin of a token, though the token be shorter: what is behind it means
// nothing, but need not be cut off before it is loaded.
const TokenReach = 16
