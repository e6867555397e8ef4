package scale

import (
	"encoding/json"
	"time"

	"jetreduce/mapreduce"
)

// Text is messages of one kind as they go over the bus, of which some were looked at.
type Text struct {
	seen, looked int
	bytes        int
	reading      time.Duration
}

// Bytes is how long one is.
func (t Text) Bytes() int {
	if t.looked == 0 {
		return 0
	}
	return t.bytes / t.looked
}

// Reading is how long it takes to read one: of the time of the coordinator, but not of Step's.
func (t Text) Reading() time.Duration {
	if t.looked == 0 {
		return 0
	}
	return t.reading / time.Duration(t.looked)
}

// texts is messages by kind.
type texts map[string]*Text

// oneIn so many is looked at.
const oneIn = 997

// event looks at what a coordinator reads most.
func (s texts) event(event mapreduce.Event) {
	switch event.(type) {
	case mapreduce.Commit:
		s.add("Commit", event, new(mapreduce.Commit))
	case mapreduce.Beat:
		s.add("Beat", event, new(mapreduce.Beat))
	}
}

// reads: whoever reads one after another has the code at hand, and so has this, mostly.
const reads = 20

// add counts a message, and writes and reads one in many.
func (s texts) add(kind string, message, read any) {
	t := s[kind]
	if t == nil {
		t = &Text{}
		s[kind] = t
	}
	if t.seen++; t.seen%oneIn != 1 {
		return
	}
	text, err := json.Marshal(message)
	if err != nil {
		panic(err) // our own
	}
	began := cpu()
	for range reads {
		if err := json.Unmarshal(text, read); err != nil {
			panic(err)
		}
	}
	t.reading += (cpu() - began) / reads
	t.looked++
	t.bytes += len(text)
}
