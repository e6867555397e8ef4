package input

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"jetreduce/mapreduce"
)

// listScheme names a file of names: list:///path holds inputs, each ended by a NUL. A job's description is one message,
// which a shell's expansion of a pattern may well exceed.
const listScheme = "list://"

// WriteList writes the names of inputs into a new file at an absolute path, and returns the input that stands for them.
func WriteList(path string, inputs []string) (string, error) {
	if err := os.WriteFile(path, []byte(strings.Join(inputs, "\x00")+"\x00"), 0o600); err != nil {
		return "", fmt.Errorf("write list of inputs: %w", err)
	}
	return listScheme + (&url.URL{Path: path}).EscapedPath(), nil
}

// expand puts the names that a list holds in the place of the list. A list in a list is a name that cannot be read.
func (d disk) expand(inputs []string) ([]string, error) {
	var names []string
	for _, input := range inputs {
		escaped, isList := strings.CutPrefix(input, listScheme)
		if !isList {
			names = append(names, input)
			continue
		}
		path, err := url.PathUnescape(escaped)
		if err != nil {
			return nil, mapreduce.Permanentf("input %s: %w", input, err)
		}
		text, err := d.readFile(path)
		if err != nil {
			return nil, refuse(input, err)
		}
		whole, found := strings.CutSuffix(string(text), "\x00")
		if !found {
			return nil, mapreduce.Permanentf("input %s: a list of names that does not end with a NUL: it was cut", input)
		}
		names = slices.Concat(names, strings.Split(whole, "\x00"))
	}
	return names, nil
}
