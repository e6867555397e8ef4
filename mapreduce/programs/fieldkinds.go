package programs

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

var errCSV = errors.New("quotes that do not fit")

// splitCSV appends the fields of a record of CSV, as encoding/csv reads them but that a CR stays. Those with quotes inside stand in buf.
func splitCSV(dst [][]byte, buf, record []byte, comma byte) ([][]byte, []byte, error) {
	for {
		var field []byte
		if len(record) > 0 && record[0] == '"' {
			n, end := len(buf), 0
			if buf, end = appendQuoted(buf, record); end < 0 || end < len(record) && record[end] != comma {
				return dst, buf, errCSV
			}
			field, record = buf[n:len(buf):len(buf)], record[end:]
		} else {
			end := bytes.IndexByte(record, comma)
			if end < 0 {
				end = len(record)
			}
			if field, record = record[:end:end], record[end:]; bytes.IndexByte(field, '"') >= 0 {
				return dst, buf, errCSV
			}
		}
		if dst = append(dst, field); len(record) == 0 {
			return dst, buf, nil
		}
		record = record[1:]
	}
}

// appendQuoted appends what stands between quotes, the first of which text begins with, and says where it ends; -1: nowhere.
func appendQuoted(dst, text []byte) ([]byte, int) {
	for at := 1; ; {
		i := bytes.IndexByte(text[at:], '"')
		if i < 0 {
			return dst, -1
		}
		dst = append(dst, text[at:at+i]...)
		if at += i + 1; at == len(text) || text[at] != '"' {
			return dst, at
		}
		dst = append(dst, '"')
		at++
	}
}

// appendCSV appends a field, in quotes where it needs them.
func appendCSV(dst, field []byte, comma byte) []byte {
	if bytes.IndexByte(field, comma) < 0 && !bytes.ContainsAny(field, "\"\r\n") {
		return append(dst, field...)
	}
	dst = append(dst, '"')
	dst = append(dst, bytes.ReplaceAll(field, []byte(`"`), []byte(`""`))...)
	return append(dst, '"')
}

// appendEscaped appends a field that no TAB is in: it has \t for one, and two backslashes for one.
func appendEscaped(dst, field []byte) []byte {
	for _, c := range field {
		switch c {
		case '\t':
			dst = append(dst, '\\', 't')
		case '\\':
			dst = append(dst, '\\', '\\')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// cutJSON is the fields of a line of JSON.
func (f *fields) cutJSON(record []byte) (values [][]byte, lacks string) {
	for _, name := range f.names {
		if name == "0" {
			f.chosen = append(f.chosen, record)
			continue
		}
		value, err := jsonField(record, name)
		switch {
		case err != nil:
			return nil, "no json"
		case value == nil:
			return nil, "no field " + name
		}
		f.chosen = append(f.chosen, value)
	}
	return f.chosen, ""
}

// jsonField is what stands at a dotted path: the text of a string, all else as JSON writes it, without white space. Nil: nothing, or null.
func jsonField(record []byte, path string) ([]byte, error) {
	value := json.RawMessage(record)
	for name := range strings.SplitSeq(path, ".") {
		inner, err := jsonStep(value, name)
		if inner == nil || err != nil {
			return nil, err
		}
		value = inner
	}
	switch {
	case string(value) == "null":
		return nil, nil
	case value[0] == '"':
		var text string
		err := json.Unmarshal(value, &text)
		return []byte(text), err
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, value)
	return compact.Bytes(), err
}

// jsonStep is a member of an object, or an element of an array; nil: there is none.
func jsonStep(value json.RawMessage, name string) (json.RawMessage, error) {
	switch begin := bytes.TrimLeft(value, " \t\r\n"); {
	case len(begin) > 0 && begin[0] == '{':
		var members map[string]json.RawMessage
		err := json.Unmarshal(value, &members)
		return members[name], err
	case len(begin) > 0 && begin[0] == '[':
		var elements []json.RawMessage
		err := json.Unmarshal(value, &elements)
		n, notNumber := strconv.ParseUint(name, 10, 31)
		if err != nil || notNumber != nil || n >= uint64(len(elements)) {
			return nil, err
		}
		return elements[n], nil
	case json.Valid(value):
		return nil, nil
	}
	return nil, errors.New("no json")
}
