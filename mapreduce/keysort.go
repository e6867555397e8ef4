package mapreduce

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// KeySort is one of the keys by which keys are sorted: fields From to To of a key, counted from 1, as sort(1) has them behind -k.
type KeySort struct {
	From, To int  // To 0: to the end
	Numeric  bool // by the number that the fields begin with, as sort -n has it: no number is 0
	Reverse  bool
}

// ParseKeySort reads what a job's Sort says: keys with blanks between them, the first decides first.
//
//	key   FROM[,TO][n][r]      "2,2nr": the second field, as a number, the largest first
func ParseKeySort(text string) (keys []KeySort, err error) {
	for _, word := range strings.Fields(text) {
		key, err := parseKey(word)
		if err != nil {
			return nil, fmt.Errorf("sort %q: %q is no FROM[,TO][n][r] with fields from 1 on: %w", text, word, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseKey(word string) (key KeySort, err error) {
	fields := strings.TrimRight(word, "nr")
	for _, letter := range word[len(fields):] {
		key.Numeric = key.Numeric || letter == 'n'
		key.Reverse = key.Reverse || letter == 'r'
	}
	from, to, bounded := strings.Cut(fields, ",")
	if key.From, err = fieldNumber(from); err == nil && bounded {
		key.To, err = fieldNumber(to)
	}
	if err == nil && bounded && key.To < key.From {
		err = errors.New("it ends before it begins")
	}
	return key, err
}

func fieldNumber(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no number of a field", text)
	case n == 0:
		return 0, errors.New("0 is no field")
	}
	return int(n), nil
}
