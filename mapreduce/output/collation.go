package output

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// collation reads a language tag, and refuses what x/text would quietly ignore: a language or a setting that it does not
// know would give the rows an order that nobody asked for.
func collation(name string) (language.Tag, error) {
	tag, err := language.Parse(name)
	if err != nil {
		return tag, err
	}
	base, _, _ := tag.Raw()
	if !collates(base) {
		return tag, fmt.Errorf("no collation for language %q", base)
	}
	for _, extension := range tag.Extensions() {
		if extension.Type() != 'u' {
			return tag, fmt.Errorf("a collation has no %q", extension)
		}
		if tag, err = settle(tag, base, extension.Tokens()[1:]); err != nil {
			return tag, err
		}
	}
	return tag, nil
}

// collates reports whether rows can be ordered by a language. Two letters are enough: most such languages need no rules
// of their own. Three letters may as well be a word ("asc", "num"), so they must have rules.
func collates(base language.Base) bool {
	return len(base.String()) == 2 || slices.ContainsFunc(collate.Supported(), hasBase(base))
}

func hasBase(base language.Base) func(language.Tag) bool {
	return func(known language.Tag) bool {
		its, _, _ := known.Raw()
		return its == base
	}
}

// settle checks the settings of a tag's u extension, and writes out the "true" that BCP 47 lets a tag leave out but x/text
// wants to see.
func settle(tag language.Tag, base language.Base, tokens []string) (language.Tag, error) {
	for len(tokens) > 0 {
		key, n := tokens[0], 1
		for n < len(tokens) && len(tokens[n]) > 2 { // keys have two letters, values more
			n++
		}
		value := strings.Join(tokens[1:n], "-")
		tokens = tokens[n:]
		if !isSetting(base, key, value) {
			return tag, fmt.Errorf("no setting %q for the collation of %q: use ka, ks, kn, kb, kc or co",
				strings.TrimSuffix(key+"-"+value, "-"), base)
		}
		if value != "" {
			continue
		}
		var err error
		if tag, err = tag.SetTypeForKey(key, "true"); err != nil {
			return tag, err
		}
	}
	return tag, nil
}

// isSetting reports whether x/text does something for that key and value. (BCP 47, and package collate's options.)
func isSetting(base language.Base, key, value string) bool {
	switch key {
	case "ka":
		return slices.Contains([]string{"noignore", "shifted", "blanked", "posix"}, value)
	case "ks":
		return slices.Contains([]string{"level1", "level2", "level3", "level4", "identic"}, value)
	case "kn", "kb", "kc":
		return slices.Contains([]string{"", "true", "false"}, value)
	case "co":
		return value == "standard" || slices.ContainsFunc(collate.Supported(), func(known language.Tag) bool {
			return hasBase(base)(known) && value != "" && known.TypeForKey("co") == value
		})
	}
	return false
}
