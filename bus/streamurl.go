package bus

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// StreamScheme is the scheme of inputs that are the history of a stream.
const StreamScheme = "stream"

// view is what a program sees of a message.
type view string

const (
	viewData    view = "data"    // its payload
	viewJSON    view = "json"    // all of it: mapreduce.Message
	viewSubject view = "subject" // its subject
)

// streamURL names the history of a stream, or a part of it.
//
//	stream://STREAM?subject=FILTER&since=BOUND&until=BOUND&as=VIEW
//
// Either side of the part is named by a sequence (since_seq, until_seq) or by a time; what stands at until is no part of it.
type streamURL struct {
	stream       string
	subjects     []string // none: all
	since, until bound
	as           view
}

// bound is one side of a part: a sequence, a time, or how long ago. The zero value is none.
type bound struct {
	text string
	seq  uint64
	time time.Time
	ago  time.Duration
	kind boundKind
}

type boundKind int

const (
	noBound boundKind = iota
	boundSeq
	boundTime
	boundAgo
)

// streamParameters are those that a stream:// URL may have.
var streamParameters = [...]string{"subject", "since", "until", "since_seq", "until_seq", "as"}

// parseStreamURL reads what names a part of a stream's history, and refuses anything else.
func parseStreamURL(text string) (streamURL, error) {
	u := streamURL{as: viewData}
	rest, found := strings.CutPrefix(text, StreamScheme+"://")
	if !found {
		return u, mapreduce.Permanentf("input %s: is no stream:// URL", text)
	}
	name, query, _ := strings.Cut(rest, "?")
	stream, err := url.PathUnescape(strings.TrimSuffix(name, "/"))
	if err != nil || stream == "" || strings.ContainsAny(stream, " \t\r\n\x00.*>/\\") {
		return u, mapreduce.Permanentf("input %s: names no stream: use stream://STREAM?subject=…&since=…&until=…&as=…", text)
	}
	u.stream = stream
	if err := u.parse(query); err != nil {
		return u, mapreduce.Permanent(fmt.Errorf("input %s: %w", text, err))
	}
	return u, nil
}

// parse reads the parameters. A plus is a plus, for the time zones.
func (u *streamURL) parse(query string) error {
	known := map[string]bool{}
	for each := range strings.SplitSeq(query, "&") {
		if each == "" {
			continue
		}
		key, value, _ := strings.Cut(each, "=")
		value, err := url.PathUnescape(value)
		if err != nil {
			return err
		}
		if known[key] && key != "subject" {
			return fmt.Errorf("%s is given twice", key)
		}
		known[key] = true
		if err := u.set(key, value); err != nil {
			return err
		}
	}
	for _, side := range []string{"since", "until"} {
		if known[side] && known[side+"_seq"] {
			return fmt.Errorf("%s and %s_seq are given: use one of them", side, side)
		}
	}
	return u.reduceSubjects()
}

func (u *streamURL) set(key, value string) (err error) {
	switch key {
	case "subject":
		if !validFilter(value) {
			return fmt.Errorf("subject %q: use tokens with dots between, * for any token, > for any that follow", value)
		}
		u.subjects = append(u.subjects, value)
	case "since":
		u.since, err = parseBound(key, value)
	case "until":
		u.until, err = parseBound(key, value)
	case "since_seq":
		u.since, err = parseSeqBound(key, value)
	case "until_seq":
		u.until, err = parseSeqBound(key, value)
	case "as":
		views := []string{string(viewData), string(viewJSON), string(viewSubject)}
		if !slices.Contains(views, value) {
			return unknown("as", value, views)
		}
		u.as = view(value)
	default:
		return unknown("parameter", key, streamParameters[:])
	}
	return err
}

// unknown says what a word may be, and what was probably meant.
func unknown(what, word string, known []string) error {
	near := ""
	for _, candidate := range known {
		if wrongLetters(word, candidate) <= max(1, len(candidate)/3) {
			near = "did you mean " + candidate + "? "
			break
		}
	}
	return fmt.Errorf("unknown %s %q: %suse %s", what, word, near, strings.Join(known, ", "))
}

// wrongLetters is how many letters must be added, removed or replaced to make b of a.
func wrongLetters(a, b string) int {
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		corner := last[0]
		last[0]++
		for j := range len(b) {
			replace := corner
			if a[i] != b[j] {
				replace++
			}
			corner = last[j+1]
			last[j+1] = min(replace, corner+1, last[j]+1)
		}
	}
	return last[len(b)]
}

func parseSeqBound(key, value string) (bound, error) {
	seq, err := strconv.ParseUint(value, 10, 64)
	if err != nil || seq == 0 {
		return bound{}, fmt.Errorf("%s %q: use a sequence, from 1", key, value)
	}
	return bound{text: value, seq: seq, kind: boundSeq}, nil
}

// parseBound reads a time, a date (its first moment, in UTC), or a duration: so long ago.
func parseBound(key, value string) (bound, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, value); err == nil {
			return bound{text: value, time: at, kind: boundTime}, nil
		}
	}
	if ago, ok := parseAgo(value); ok {
		return bound{text: value, ago: ago, kind: boundAgo}, nil
	}
	return bound{}, fmt.Errorf("%s %q: use a time like 2026-05-01T12:00:00Z, a date like 2026-05-01, "+
		"or how long ago, like 90s, 15m, 24h, 7d or 2w", key, value)
}

// parseAgo reads a duration, also one in days or weeks.
func parseAgo(value string) (time.Duration, bool) {
	if ago, err := time.ParseDuration(value); err == nil {
		return ago, ago >= 0
	}
	const day = 24 * time.Hour
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day} {
		number, found := strings.CutSuffix(value, suffix)
		if n, err := strconv.ParseUint(number, 10, 16); found && err == nil {
			return time.Duration(n) * unit, n <= uint64(math.MaxInt64/unit)
		}
	}
	return 0, false
}

// part is the URL of a range of sequences of the same stream, with all that is needed to read it again.
func (u streamURL) part(subjects []string, first, last uint64) string {
	text := fmt.Sprintf("%s://%s?since_seq=%d&until_seq=%d", StreamScheme, url.PathEscape(u.stream), first, last+1)
	for _, subject := range subjects {
		text += "&subject=" + escapeSubject(subject)
	}
	if u.as != viewData {
		text += "&as=" + string(u.as)
	}
	return text
}

// escapeSubject leaves > as it is, which a shell needs quotes for, but an URL no escape.
func escapeSubject(subject string) string {
	escaped := strings.ReplaceAll(url.PathEscape(subject), "&", "%26")
	return strings.ReplaceAll(escaped, "%3E", ">")
}
