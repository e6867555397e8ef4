package streaming

import (
	"bytes"
	"fmt"

	"jetreduce/mapreduce"
)

// lines cuts what a command writes into lines, and these into keys and values. Blocks come as they are read:
//
//	┃ …end of a line ⏎ line ⏎ line ⏎ begin… ┃ …and end ⏎
//	                                  rest
type lines struct {
	separator byte
	fields    int  // of a key
	raw       bool // a line is a key, whole
	most      int  // bytes of a line

	rest []byte // of a line that has not ended
}

// keptRest is how much memory is kept for lines across blocks.
const keptRest = 1 << 20

// take emits the lines that end in a block.
func (l *lines) take(block []byte, out mapreduce.Output) error {
	if len(l.rest) > 0 {
		end := bytes.IndexByte(block, '\n')
		if end < 0 {
			return l.keep(block)
		}
		if err := l.keep(block[:end]); err != nil {
			return err
		}
		l.end(out)
		block = block[end+1:]
	}
	for {
		end := bytes.IndexByte(block, '\n')
		if end < 0 {
			return l.keep(block)
		}
		l.emit(block[:end], out)
		block = block[end+1:]
	}
}

// end emits what stands behind the last LF, if anything does: a last line.
func (l *lines) end(out mapreduce.Output) {
	if len(l.rest) == 0 {
		return
	}
	l.emit(l.rest, out)
	if l.rest = l.rest[:0]; cap(l.rest) > keptRest {
		l.rest = nil
	}
}

func (l *lines) keep(part []byte) error {
	if len(l.rest)+len(part) > l.most {
		return fmt.Errorf("wrote a line of more than %d bytes: end lines with LF", l.most)
	}
	l.rest = append(l.rest, part...)
	return nil
}

func (l *lines) emit(line []byte, out mapreduce.Output) {
	if l.raw {
		out.Emit(line, nil)
		return
	}
	end := prefix(line, l.fields, l.separator)
	if end == len(line) {
		out.Emit(line, nil)
		return
	}
	out.Emit(line[:end], line[end+1:])
}

// prefix is how many bytes the first fields of a text have, with the separators between them; all, if there are no more fields.
func prefix(text []byte, fields int, separator byte) int {
	for end := 0; ; end++ {
		i := bytes.IndexByte(text[end:], separator)
		if i < 0 {
			return len(text)
		}
		end += i
		if fields--; fields <= 0 {
			return end
		}
	}
}
