// Package bench measures jetreduce against a baseline that does the same work: the same input, the same output bytes,
// whole processes, in turn, on one machine. It times nothing in tests and asserts no time.
package bench

import (
	"bufio"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
)

// Text is English-like text that is the same on every machine: words of a vocabulary by Zipf's law, with capitals,
// punctuation, digits and lines, as prose has them.
type Text struct {
	Bytes    int64
	Distinct int // size of the vocabulary
}

// WriteTo writes the text: the first line border at or behind Bytes ends it.
func (t Text) WriteTo(w io.Writer) (int64, error) {
	out := bufio.NewWriterSize(w, 1<<20)
	random := rand.New(rand.NewPCG(1, uint64(t.Distinct)))
	words := vocabulary(random, t.Distinct)
	pick := zipf(random, t.Distinct)
	var written int64
	line := make([]byte, 0, 128)
	for written < t.Bytes {
		line = sentence(line[:0], random, words, pick)
		n, err := out.Write(line)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, out.Flush()
}

// zipf draws ranks with a probability of about 1 ÷ (rank + 3): of 20,000, the two most frequent are a seventeenth of all.
func zipf(random *rand.Rand, n int) func() int {
	whole := math.Log(float64(n)+3) - math.Log(3)
	return func() int {
		return min(int(3*math.Exp(random.Float64()*whole)-3), n-1)
	}
}

// vocabulary makes n different words. Frequent words are short, as in a language: the rank is spelled in syllables.
func vocabulary(random *rand.Rand, n int) [][]byte {
	const consonants, vowels = "bcdfghklmnprstvw", "aeiou"
	words := make([][]byte, n)
	for rank := range words {
		var word []byte
		for rest := rank + 1; rest > 0; rest /= len(consonants) * len(vowels) {
			rest--
			word = append(word, consonants[rest%len(consonants)], vowels[rest/len(consonants)%len(vowels)])
		}
		if random.IntN(3) == 0 {
			word = append(word, 'x')
		}
		words[rank] = word
	}
	return words
}

// sentence appends a line of some words to line.
func sentence(line []byte, random *rand.Rand, words [][]byte, pick func() int) []byte {
	for i := range 8 + random.IntN(8) {
		if i > 0 {
			line = append(line, ' ')
		}
		start := len(line)
		line = append(line, words[pick()]...)
		switch dice := random.IntN(64); {
		case dice < 5 || i == 0:
			line[start] -= 'a' - 'A'
		case dice < 11:
			line = append(line, ',')
		case dice < 12:
			line = strconv.AppendInt(append(line, ' '), int64(random.IntN(2000)), 10)
		}
	}
	return append(line, ".\n"...)
}
