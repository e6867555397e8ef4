package programs

import "strings"

// neighbours is those of names that a person who typed name probably meant: one is the other's beginning, or a third of
// the letters at most are wrong. Names keep their order.
func neighbours(name string, names []string) []string {
	var near []string
	typed := []rune(strings.ToLower(name))
	for _, candidate := range names {
		known := []rune(strings.ToLower(candidate))
		if begins(typed, known) || distance(typed, known) <= max(1, len(known)/3) {
			near = append(near, candidate)
		}
	}
	return near
}

// begins reports whether one begins with the other; a single letter says too little.
func begins(a, b []rune) bool {
	n := min(len(a), len(b))
	return n > 1 && string(a[:n]) == string(b[:n])
}

// distance is how many letters must be added, removed, replaced or swapped with their neighbour to make b of a.
//
// row[j] is the distance of the first i letters of a to the first j of b; older rows are kept because a swap looks two
// rows back.
func distance(a, b []rune) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
