package processtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Lines makes so many lines of words, which are of a to z alone: about what a word is there are no two opinions.
func Lines(seed uint64, lines, words, distinct int) []string {
	random := rand.New(rand.NewPCG(seed, 1))
	text := make([]string, lines)
	for i := range text {
		line := make([]string, words)
		for j := range line {
			line[j] = word(random.IntN(distinct))
		}
		text[i] = strings.Join(line, " ") + "\n"
	}
	return text
}

// word is the n-th word.
func word(n int) string {
	letters := []byte("wxxxxxx")
	for i := len(letters) - 1; n > 0; i-- {
		letters[i] = byte('a' + n%26)
		n /= 26
	}
	return string(letters)
}

// WriteLines writes each line into a file of its own, and returns their paths. With a split size of 1 each is one map,
// numbered in this order.
func WriteLines(t testing.TB, lines []string) []string {
	t.Helper()
	dir := t.TempDir()
	paths := make([]string, len(lines))
	for i, line := range lines {
		paths[i] = filepath.Join(dir, InputName(i))
		if err := os.WriteFile(paths[i], []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// InputName is the base name of the i-th file of WriteLines.
func InputName(i int) string { return fmt.Sprintf("line-%05d", i) }

// Count counts the words of the lines, one after the other: what every result must be, byte for byte.
func Count(lines []string) string {
	counts := map[string]int{}
	for _, line := range lines {
		for _, word := range strings.Fields(line) {
			counts[word]++
		}
	}
	rows := make([]string, 0, len(counts))
	for word, n := range counts {
		rows = append(rows, fmt.Sprintf("%s\t%d\n", word, n))
	}
	slices.Sort(rows) // a tab sorts before all letters, so rows sort as their words do
	return strings.Join(rows, "")
}
