package mapreduce

import "strings"

// Abridge bounds words that go into a record or a message: both their beginning and their end tell.
func Abridge(words string, most int) string {
	if len(words) <= most {
		return words
	}
	head, tail := words[:most/2], words[len(words)-most/2:]
	return strings.ToValidUTF8(head, "") + "…" + strings.ToValidUTF8(tail, "")
}

// MaxWords bounds the reason of a failure, in bytes.
const MaxWords = 8 << 10
