package programs

import (
	"fmt"
	"maps"
	"slices"
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
