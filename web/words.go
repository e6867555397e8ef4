package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"jetreduce/mapreduce"
)

// Bounds of what others say, in bytes.
const (
	mostName  = 120
	mostLine  = 200
	mostWords = 2 * mapreduce.MaxWords
)

// clean is what others say as a page may show it: bounded, UTF-8, and without characters that one cannot see. They could turn the order of
// the text around them.
func clean(words string, most int) string {
	words = strings.ToValidUTF8(mapreduce.Abridge(words, most), "�")
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, words)
}

// line is words in one line.
func line(words string, most int) string {
	if len(words) <= most && plain(words) {
		return words
	}
	return strings.Join(strings.Fields(clean(words, most)), " ")
}

// plain reports whether words are one line of ASCII already, as nearly all are: a large job has thousands.
func plain(words string) bool {
	for i := range len(words) {
		c := words[i]
		edge := i == 0 || i == len(words)-1 || words[i-1] == ' '
		if c < ' ' || c > '~' || c == ' ' && edge {
			return false
		}
	}
	return true
}

// span is a duration as people say it: to two or three digits.
func span(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", math.Floor(d.Seconds()*10)/10)
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh %02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd %02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// grouped is a number with its thousands marked.
func grouped[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}

// bytesOf is a number of bytes in units of a thousand.
func bytesOf(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n), -1
	for ; value >= 999.5 && unit < 4; unit++ {
		value /= 1000
	}
	name := []string{"kB", "MB", "GB", "TB", "PB"}[unit]
	if value < 9.95 {
		return fmt.Sprintf("%.1f %s", value, name)
	}
	return fmt.Sprintf("%.0f %s", value, name)
}

// moment is a time, in UTC: the day is left out when it is today.
type moment struct {
	Words string
	Exact string // RFC 3339
}

func momentOf(t, now time.Time) moment {
	if t.IsZero() {
		return moment{Words: "–"}
	}
	t, now = t.UTC(), now.UTC()
	words := t.Format(time.TimeOnly)
	if t.Format(time.DateOnly) != now.Format(time.DateOnly) {
		words = t.Format(time.DateTime)
	}
	return moment{words, t.Format(time.RFC3339)}
}

// times says how many times as much something is.
func times(most, than int64) string { return fmt.Sprintf("%.1f×", float64(most)/float64(than)) }

// word is a word of the vocabulary: of a leader of another version it may be any.
func word[T ~string](w T) string { return line(string(w), mostName) }

// taskWords is a task in words, as it is called within its job.
func taskWords(t mapreduce.TaskID) string {
	words := fmt.Sprintf("%s %d", word(t.Phase), t.N)
	if t.Generation > 1 {
		words += fmt.Sprintf(" (round %d)", t.Generation)
	}
	return words
}
