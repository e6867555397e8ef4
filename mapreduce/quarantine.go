package mapreduce

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// BadRecord is a record that a program could not take, and that its job was allowed to leave out.
type BadRecord struct {
	Source string `json:"source"`           // the input's name
	Offset int64  `json:"offset"`           // in the input, in bytes
	Length int64  `json:"length"`           // in bytes, without the line's end
	Reason string `json:"reason,omitempty"` // the program's words; left out behind many others
}

// MaxSkipBad is how many records a job may leave out at most: each is named.
const MaxSkipBad = 1000

// What a list of bad records may cost, in bytes of JSON, so that it fits a message: up to roomyBad a record has its words; behind
// that, or if it alone would not fit, its place and the end of its name.
const (
	maxBadWords  = 300
	maxBadSource = 1024
	roomyBad     = 64 << 10
	shortSource  = 48
)

// Fit bounds the next record of a list that has cost so much already, and returns what it costs then.
func (b BadRecord) Fit(cost int) (BadRecord, int) {
	b.Source, b.Reason = Abridge(b.Source, maxBadSource), Abridge(b.Reason, maxBadWords)
	if sum := cost + b.cost(); sum <= roomyBad {
		return b, sum
	}
	b.Source, b.Reason = plain(b.Source[max(0, len(b.Source)-shortSource):]), ""
	return b, max(cost, roomyBad) + b.cost()
}

// cost is how many bytes of JSON the record is.
func (b BadRecord) cost() int {
	text, err := json.Marshal(b)
	if err != nil {
		return roomyBad // strings and numbers: there is none
	}
	return len(text) + len(",")
}

// escaped is the printable characters that JSON writes as more than one byte each.
const escaped = `"\<>&`

// plain is a name in characters that JSON writes as one byte each.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(escaped, r) {
			return '_'
		}
		return r
	}, name)
}

// FitBad bounds a list, so that it fits a message.
func FitBad(records []BadRecord) (fitted []BadRecord) {
	cost := 0
	for _, b := range records[:min(len(records), MaxSkipBad)] {
		b, cost = b.Fit(cost)
		fitted = append(fitted, b)
	}
	return fitted
}

// SortBad orders records by where they stand.
func SortBad(records []BadRecord) {
	slices.SortFunc(records, func(a, b BadRecord) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Offset, b.Offset))
	})
}

// Quarantine is a part of the records that a job has left out, as they are kept of one that has ended.
type Quarantine struct {
	Part    int         `json:"part"` // from 0
	Records []BadRecord `json:"records"`
}

// Parts cuts a list that fits a message into parts that leave much of one free.
func Parts(records []BadRecord) (parts []Quarantine) {
	cost := roomyBad
	for _, b := range records {
		if cost += b.cost(); cost > roomyBad {
			parts = append(parts, Quarantine{Part: len(parts)})
			cost = b.cost()
		}
		last := &parts[len(parts)-1]
		last.Records = append(last.Records, b)
	}
	return parts
}
