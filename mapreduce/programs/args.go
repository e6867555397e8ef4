package programs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// takesNone refuses any argument of a program that has no use for them.
func takesNone(program string, args map[string]string) error {
	if len(args) == 0 {
		return nil
	}
	given := slices.Sorted(maps.Keys(args)) // sorted: the same mistake reads the same each time
	return fmt.Errorf("%s takes no arguments: leave out %s", program, strings.Join(given, ", "))
}

// arguments are those of one program, which is named where something is wrong with them.
type arguments struct {
	program string
	given   map[string]string
}

// takes refuses what the program does not know.
func (a arguments) takes(known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(a.given)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s knows no argument %s: use %s", a.program, name, strings.Join(slices.Sorted(slices.Values(known)), ", "))
		}
	}
	return nil
}

// count is a whole number from 1 to most.
func (a arguments) count(name string, otherwise, most int) (int, error) {
	text, given := a.given[name]
	if !given {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s: %s=%s: use a number from 1 to %d", a.program, name, text, most)
	}
	return n, nil
}

// choice is one of some words, the first of them where nothing is given.
func (a arguments) choice(name string, words ...string) (string, error) {
	text, given := a.given[name]
	switch {
	case !given:
		return words[0], nil
	case !slices.Contains(words, text):
		return "", fmt.Errorf("%s: %s=%s: use %s", a.program, name, text, strings.Join(words, ", "))
	}
	return text, nil
}
