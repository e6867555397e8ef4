package input

import (
	"bytes"

	"jetreduce/mapreduce"
)

// edge is where the last record ends that ends within the first so many bytes, else where the first does that ends behind them; 0: none
// does. A record begins where the data does.
func edge(records mapreduce.Records, data []byte, within int) int {
	switch {
	case records == mapreduce.Whole:
		return 0 // only the end of the input is one
	case records.IsCSV():
		return rowEdge(data, within)
	case records.Fixed() > 0:
		return fixedEdge(data, within, records.Fixed())
	}
	return lineEdge(data, within)
}

func lineEdge(data []byte, within int) int {
	if i := bytes.LastIndexByte(data[:within], '\n'); i >= 0 {
		return i + 1
	}
	if i := bytes.IndexByte(data[within:], '\n'); i >= 0 {
		return within + i + 1
	}
	return 0
}

func fixedEdge(data []byte, within, each int) int {
	if n := within / each * each; n > 0 {
		return n
	}
	if each <= len(data) {
		return each
	}
	return 0
}

// rowEdge takes those LFs for ends that have an even number of quotes before them. All others between the same two quotes are like
// one that has not: quoted text is passed at once.
func rowEdge(data []byte, within int) int {
	inside := odd(data[:within])
	for end, here := within, inside; ; {
		i := bytes.LastIndexByte(data[:end], '\n')
		if i < 0 {
			break
		}
		if here = here != odd(data[i:end]); !here {
			return i + 1
		}
		end, here = bytes.LastIndexByte(data[:i], '"'), false
	}
	end, _ := rowEnd(data[within:], inside)
	if end > 0 {
		end += within
	}
	return end
}

// rowEnd is where the first row ends in bytes that begin inside quotes or not. If none does: 0, and whether the bytes end inside quotes.
func rowEnd(data []byte, inside bool) (end int, ends bool) {
	for {
		if inside {
			i := bytes.IndexByte(data[end:], '"')
			if i < 0 {
				return 0, true
			}
			end += i + 1
		}
		i := bytes.IndexByte(data[end:], '\n')
		if i < 0 {
			return 0, odd(data[end:])
		}
		inside = odd(data[end : end+i])
		if end += i + 1; !inside {
			return end, false
		}
	}
}

// odd reports whether there is an odd number of quotes: behind them one is inside quotes if one was not before, since a quote inside of
// them is doubled.
func odd(data []byte) bool { return bytes.Count(data, quote)%2 != 0 }

var quote = []byte{'"'}

// quotes finds where the quotes begin that are open at the end.
type quotes struct {
	open, closed int64 // where they begin, where the last ones ended
	inside       bool
}

// scan goes on with bytes that begin at an offset.
func (q *quotes) scan(data []byte, offset int64) {
	for at := 0; ; at++ {
		i := bytes.IndexByte(data[at:], '"')
		if i < 0 {
			return
		}
		at += i
		here := offset + int64(at)
		switch {
		case q.inside:
			q.closed = here
		case q.closed == 0 || here != q.closed+1: // else the two are one that is doubled; none ends at byte 0
			q.open = here
		}
		q.inside = !q.inside
	}
}

func unclosed(source mapreduce.Source, at int64) error {
	return mapreduce.Permanentf("input %s: ends inside the quotes that begin at byte %d: close them, or double a quote that is text",
		source.Title(), at)
}

// checkFixed refuses so many bytes of a source that are no whole number of records.
func checkFixed(source mapreduce.Source, records mapreduce.Records, length int64) error {
	each := int64(records.Fixed())
	if each == 0 || length%each == 0 {
		return nil
	}
	return mapreduce.Permanentf("input %s: its %s bytes are no whole number of records of %s: give their size, or the file that was cut again",
		source.Title(), grouped(length), grouped(each))
}
