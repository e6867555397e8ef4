package chaos

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// writeTexts writes the inputs of a job into dir, and returns their paths: in this order they are one text of lines. Each
// line is a key, a TAB and words, all of a to z, about which no two readers differ.
func writeTexts(dir string, random *rand.Rand, job JobPlan) ([]string, error) {
	vocabulary := newVocabulary(random)
	var paths []string
	for i := range job.Files {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d.txt", job.ID, i))
		if err := writeText(path, random, vocabulary, job.Bytes/int64(job.Files)); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func newVocabulary(random *rand.Rand) []string {
	words := make([]string, 500+random.IntN(20_000))
	for i := range words {
		word := make([]byte, 2+random.IntN(9))
		for j := range word {
			word[j] = byte('a' + random.IntN(26))
		}
		words[i] = string(word)
	}
	return words
}

func writeText(path string, random *rand.Rand, vocabulary []string, size int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	for written := int64(0); written < size; {
		line := newLine(random, vocabulary)
		written += int64(len(line)) + 1
		_, _ = out.WriteString(line) // Flush tells
		if written < size || random.IntN(2) == 0 {
			_ = out.WriteByte('\n') // else the last line ends with the file
		}
	}
	return errors.Join(out.Flush(), file.Close())
}

// newLine is a line; one in some thousand is as long as many splits of a small job.
func newLine(random *rand.Rand, vocabulary []string) string {
	words := 1 + random.IntN(20)
	if random.IntN(5_000) == 0 {
		words *= 1_000
	}
	var line strings.Builder
	for i := range words {
		word := vocabulary[min(random.IntN(len(vocabulary)), random.IntN(len(vocabulary)))]
		line.WriteString(word)
		line.WriteByte(" \t"[btoi(i == 0)])
	}
	return line.String()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Expected is what a program must make of these files, by a way of its own: one thread and no code of the system.
func Expected(program string, paths []string) ([]byte, error) {
	var text []byte
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if text = append(text, content...); len(content) > 0 && content[len(content)-1] != '\n' {
			text = append(text, '\n')
		}
	}
	switch program {
	case "wordcount":
		return countWords(text), nil
	case "count":
		return fmt.Appendf(nil, "lines\t%d\n", bytes.Count(text, []byte("\n"))), nil
	case "identity":
		return sortLines(text), nil
	case mutePrefix + "wordcount":
		return nil, nil
	}
	return nil, fmt.Errorf("nobody knows what %s must make of its input: use wordcount, count or identity", program)
}

func countWords(text []byte) []byte {
	counts := map[string]int{}
	for word := range bytes.FieldsSeq(text) {
		counts[string(word)]++
	}
	words := make([]string, 0, len(counts))
	for word := range counts {
		words = append(words, word)
	}
	slices.Sort(words)
	var out []byte
	for _, word := range words {
		out = fmt.Appendf(out, "%s\t%d\n", word, counts[word])
	}
	return out
}

// sortLines sorts by the keys alone: values of one key stay as they come.
func sortLines(text []byte) []byte {
	lines := strings.SplitAfter(string(text), "\n")
	lines = lines[:len(lines)-1] // behind the last LF there is nothing
	slices.SortStableFunc(lines, func(a, b string) int {
		x, _, _ := strings.Cut(a, "\t")
		y, _, _ := strings.Cut(b, "\t")
		return cmp.Compare(x, y)
	})
	return []byte(strings.Join(lines, ""))
}

// differ says where the content of a file is not what it must be; "": it is.
func differ(path string, want []byte) (string, error) {
	got, err := os.ReadFile(path)
	if err != nil || bytes.Equal(got, want) {
		return "", err
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return fmt.Sprintf("%s has %d bytes, want %d: at byte %d %.60q, want %.60q", path, len(got), len(want), at, got[at:], want[at:]), nil
}
