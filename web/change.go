package web

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"io"
	"strconv"
)

// message is an event of a stream: what a frame is called, and the parts that are other than in the one before.
type message struct {
	id   string
	data []byte
}

// id tells frames apart, in all processes alike.
func (f frame) id() string {
	sum := fnv.New64a()
	for _, p := range f.Parts {
		_, _ = io.WriteString(sum, p.HTML)
	}
	return strconv.FormatUint(sum.Sum64(), 36)
}

// change is a part as it is now: id and text.
type change [2]string

// changes are the parts that are not as they were: of one whose rows are the same ones, only rows.
func changes(before, now frame) []change {
	was := make(map[string]part, len(before.Parts))
	for _, p := range before.Parts {
		was[p.ID] = p
	}
	var changed []change
	for _, p := range now.Parts {
		old, known := was[p.ID]
		switch {
		case known && old.HTML == p.HTML:
		case known && old.Shell == p.Shell && sameRows(old.Rows, p.Rows):
			for i, row := range p.Rows {
				if old.Rows[i].HTML != row.HTML {
					changed = append(changed, change{row.ID, row.HTML})
				}
			}
		default:
			changed = append(changed, change{p.ID, p.HTML})
		}
	}
	return changed
}

// sameRows reports whether the rows are the same ones, whatever stands in them.
func sameRows(old, rows []part) bool {
	if len(old) != len(rows) || len(rows) == 0 {
		return false
	}
	for i := range rows {
		if rows[i].ID != old[i].ID {
			return false
		}
	}
	return true
}

// encode writes changes as one line of JSON.
func encode(changed []change) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // it is no page: the script reads it as JSON
	_ = encoder.Encode(changed)  // strings
	return bytes.TrimSpace(text.Bytes())
}
