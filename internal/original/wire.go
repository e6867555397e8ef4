package original

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

const (
	eot       = 0x04
	readBytes = 4096
)

// ErrDecode is a read that is not UTF-8 on its own. It kills an original.
var ErrDecode = errors.New("a read is not UTF-8")

// receive reads a message as the originals do: each read is decoded on its own, and one that ends in EOT ends the message. What else stands in
// it is taken for JSON.
func receive(from io.Reader) (message, error) {
	var data []byte
	read := make([]byte, readBytes)
	for {
		n, err := from.Read(read)
		if n == 0 {
			return message{}, fmt.Errorf("receive: %w", err)
		}
		if !utf8.Valid(read[:n]) {
			return message{}, ErrDecode
		}
		data = append(data, read[:n]...)
		if read[n-1] == eot {
			return loads(data[:len(data)-1])
		}
	}
}

func loads(data []byte) (m message, err error) {
	if err = json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("receive %.100q: %w", data, err)
	}
	return m, nil
}

// message is what any of them may say.
type message struct {
	Task  string
	ID    any
	Blob  text
	Value json.RawMessage
	Addr  []any
	Index int
}

// value reads what the task has for a value.
func (m message) value(into any) error {
	if err := json.Unmarshal(m.Value, into); err != nil {
		return fmt.Errorf("value of %s: %w", m.Task, err)
	}
	return nil
}

// frame is a message as it is sent.
func frame(fields ...any) []byte { return append([]byte(dumps(object(fields))), eot) }

func send(to io.Writer, fields ...any) error {
	_, err := to.Write(frame(fields...))
	return err
}
