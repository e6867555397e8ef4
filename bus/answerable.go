package bus

import "strings"

// answerable reports whether a request may be answered where it asks for it: at an inbox, whose names begin with "_". Whoever answers may
// publish what whoever asks may not; an answer anywhere else, such as at a key of the state, would be their message under our rights.
func answerable(reply string) bool { return strings.HasPrefix(reply, "_") }
