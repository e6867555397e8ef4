package programs

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// timestamp is one way to write a time: how it looks, and how it is read. A time without a zone is UTC.
type timestamp struct {
	name  string
	looks string // RE2
	read  func(text string, year int) (time.Time, error)
}

// timestamps are those that are found by their looks.
func timestamps() []timestamp {
	return []timestamp{
		{"rfc3339", `\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[Zz]|[+-]\d\d:\d\d|[+-]\d{4})?`, readRFC3339},
		{"common", `\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}`, layout("02/Jan/2006:15:04:05 -0700")},
		{"syslog", `^(?:<\d+>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d`, readSyslog},
		{"epoch", `^\d{10}(?:\.\d+)?\b`, readEpoch(time.Second)},
		{"epoch-ms", `^\d{13}\b`, readEpoch(time.Millisecond)},
	}
}

func layout(of string) func(string, int) (time.Time, error) {
	return func(text string, _ int) (time.Time, error) { return time.Parse(of, text) }
}

// readRFC3339 also reads what many programs write: a blank for the T, no colon in the zone, or no zone.
func readRFC3339(text string, _ int) (time.Time, error) {
	const seconds = "2006-01-02T15:04:05"
	text = strings.ToUpper(strings.Replace(text, " ", "T", 1))
	zone := ""
	if at := strings.LastIndexAny(text, "Z+-"); at > len("2006-01-02") {
		zone = map[int]string{1: "Z07:00", 5: "-0700", 6: "Z07:00"}[len(text)-at]
	}
	return time.Parse(seconds+zone, text)
}

// readSyslog reads a time without a year (RFC 3164), which has to be told.
func readSyslog(text string, year int) (time.Time, error) {
	if year == 0 {
		return time.Time{}, errNoYear
	}
	if end := strings.IndexByte(text, '>'); end >= 0 {
		text = text[end+1:]
	}
	return time.Parse("2006 Jan _2 15:04:05", fmt.Sprintf("%04d %s", year, text))
}

var errNoYear = fmt.Errorf("times of syslog have no year: use --arg year=YYYY")

func readEpoch(unit time.Duration) func(string, int) (time.Time, error) {
	return func(text string, _ int) (time.Time, error) {
		whole, _, _ := strings.Cut(text, ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		perSecond := int64(time.Second / unit)
		return time.Unix(n/perSecond, 0).UTC(), err
	}
}

// formatted is the timestamp that a format names, or spells out as strftime does.
func formatted(format string) ([]timestamp, error) {
	all := timestamps()
	if format == "" {
		return all, nil
	}
	if i := slices.IndexFunc(all, func(t timestamp) bool { return t.name == format }); i >= 0 {
		return all[i : i+1], nil
	}
	if !strings.Contains(format, "%") {
		return nil, fmt.Errorf("format=%s: use rfc3339, common, syslog, epoch, epoch-ms, or %%-directives as in %%Y-%%m-%%d %%H:%%M:%%S", format)
	}
	spelled, err := spelledOut(format)
	return []timestamp{spelled}, err
}

// directives are those of strftime that can be read: how they look, and as what time.Parse knows them.
func directives() map[byte][2]string {
	return map[byte][2]string{
		'Y': {`\d{4}`, "2006"}, 'y': {`\d\d`, "06"}, 'm': {`\d\d`, "01"}, 'b': {`[A-Z][a-z]{2}`, "Jan"},
		'd': {`\d\d`, "02"}, 'e': {`[ \d]\d`, "_2"}, 'j': {`\d{3}`, "002"},
		'H': {`\d\d`, "15"}, 'I': {`\d\d`, "03"}, 'p': {`[AP]M`, "PM"}, 'M': {`\d\d`, "04"}, 'S': {`\d\d`, "05"}, 'z': {`[+-]\d{4}`, "-0700"},
	}
}

// spelledOut reads a format of strftime. Each part of a time is read by itself, so that no text between can be taken for one.
func spelledOut(format string) (timestamp, error) {
	looks, layouts, err := parts(format)
	if err != nil {
		return timestamp{}, err
	}
	expression, err := regexp.Compile(strings.Join(looks, ""))
	if err != nil {
		return timestamp{}, fmt.Errorf("format=%s: %w", format, err)
	}
	all := strings.Join(layouts, "\n")
	read := func(text string, _ int) (time.Time, error) {
		return time.Parse(all, strings.Join(expression.FindStringSubmatch(text)[1:], "\n"))
	}
	return timestamp{format, expression.String(), read}, nil
}

// parts are how each part of a format looks, and the layouts of those that are read.
func parts(format string) (looks, layouts []string, err error) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			looks = append(looks, regexp.QuoteMeta(format[i:i+1]))
			continue
		}
		i++
		if i < len(format) && format[i] == '%' {
			looks = append(looks, "%")
			continue
		}
		one, known := [2]string{}, false
		if i < len(format) {
			one, known = directives()[format[i]]
		}
		if !known {
			return nil, nil, fmt.Errorf("format=%s: of %%-directives use Y y m b d e j H I p M S z", format)
		}
		looks, layouts = append(looks, "("+one[0]+")"), append(layouts, one[1])
	}
	return looks, layouts, nil
}
