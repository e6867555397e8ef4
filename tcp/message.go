package tcp

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Count is how often a word was met. The word is bytes, whether they are UTF-8 or not.
type Count struct {
	Word []byte
	N    int64 // at least 1
}

// Histogram is words and their counts. On the wire a word can stand in it more than once.
type Histogram []Count

// Addr is what a backup announces.
type Addr struct {
	Host string
	Port int
}

func (a Addr) String() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

// The tasks.
const (
	register      = "register"
	mapRequest    = "map_request"
	mapReply      = "map_reply"
	reduceRequest = "reduce_request"
	reduceReply   = "reduce_reply"
	regBackup     = "reg_backup"
	update        = "update"
)

// fieldsOf is what each task needs, and what it may have. Of reg_backup addr and value are one, said in either direction.
var fieldsOf = map[string]struct{ needs, may []string }{
	register:      {needs: []string{"id"}, may: []string{"framing"}},
	mapRequest:    {needs: []string{"blob"}},
	mapReply:      {needs: []string{"value"}},
	reduceRequest: {needs: []string{"value"}},
	reduceReply:   {needs: []string{"value"}},
	regBackup:     {may: []string{"addr", "value", "native", "framing"}},
	update:        {needs: []string{"value", "index"}},
}

// message is any message that was read. It is used again for the next: nothing of it outlives that.
type message struct {
	task   string
	id     string
	length bool // "framing":"length"
	native bool
	addr   Addr
	blob   []byte
	value  []Histogram
	index  int
	most   int // pairs that a histogram may have; 0: any number
}

// maxName bounds what somebody calls himself, in bytes.
const maxName = 256

// keepCounts is the largest histogram whose memory is kept for the next one.
const keepCounts = 1 << 14

// parse reads a message. Its strings are pieces of the text, which it writes over.
func (m *message) parse(text []byte) error {
	m.release()
	*m = message{value: m.value[:0], most: m.most}
	if !utf8.Valid(text) {
		return errors.New("not UTF-8")
	}
	o := object{scanner: scanner{text: text}, into: m}
	if err := o.read(); err != nil {
		return err
	}
	for _, name := range fieldsOf[m.task].needs {
		if !o.has(name) {
			return fmt.Errorf("%s without %s", m.task, name)
		}
	}
	if m.task == regBackup && m.addr.Port == 0 {
		return errors.New("reg_backup without an address")
	}
	return nil
}

// release keeps no more memory for the next message than most of them need.
func (m *message) release() {
	all := m.value[:cap(m.value)]
	if len(all) > 2 || slices.ContainsFunc(all, func(h Histogram) bool { return cap(h) > keepCounts }) {
		m.value = nil
	}
}
