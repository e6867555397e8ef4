package bus

import (
	"fmt"
	"slices"
	"strings"
)

// validFilter reports whether a text is a filter of subjects.
func validFilter(filter string) bool {
	if strings.ContainsAny(filter, " \t\r\n\f\x00") {
		return false
	}
	tokens := strings.Split(filter, ".")
	for i, token := range tokens {
		if token == "" || token == ">" && i < len(tokens)-1 {
			return false
		}
	}
	return true
}

// reduceSubjects drops filters that others hold, and refuses those that overlap in part, which no consumer takes.
func (u *streamURL) reduceSubjects() error {
	var kept []string
	for i, filter := range u.subjects {
		held := func(other string) bool { return other != filter && covers(other, filter) }
		if !slices.ContainsFunc(u.subjects, held) && !slices.Contains(u.subjects[:i], filter) {
			kept = append(kept, filter)
		}
	}
	for i, filter := range kept {
		for _, other := range kept[:i] {
			if overlap(other, filter) {
				return fmt.Errorf("subjects %q and %q overlap: use filters of which no message matches two", other, filter)
			}
		}
	}
	u.subjects = kept
	if slices.Contains(kept, ">") {
		u.subjects = nil
	}
	return nil
}

// covers reports whether a filter takes all that another takes, which may be a subject.
func covers(filter, other string) bool {
	for {
		token, rest, more := strings.Cut(filter, ".")
		othersToken, othersRest, othersMore := strings.Cut(other, ".")
		switch {
		case token == ">":
			return true
		case othersToken == ">" || token != "*" && token != othersToken || more != othersMore:
			return false
		case !more:
			return true
		}
		filter, other = rest, othersRest
	}
}

// overlap reports whether there can be a subject that both filters take.
func overlap(filter, other string) bool {
	for {
		token, rest, more := strings.Cut(filter, ".")
		othersToken, othersRest, othersMore := strings.Cut(other, ".")
		switch {
		case token == ">" || othersToken == ">":
			return true
		case token != "*" && othersToken != "*" && token != othersToken || more != othersMore:
			return false
		case !more:
			return true
		}
		filter, other = rest, othersRest
	}
}

// filtersTake reports whether one of the filters takes a subject; no filters take all.
func filtersTake(filters []string, subject string) bool {
	return len(filters) == 0 || slices.ContainsFunc(filters, func(filter string) bool { return covers(filter, subject) })
}
