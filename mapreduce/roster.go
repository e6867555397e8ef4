package mapreduce

import (
	"encoding/binary"
	"errors"
)

// Roster names the committed attempt of each task of a phase, by task number: whose runs a reader takes, and nobody
// else's.
type Roster []Attempt

// RosterRef carries a roster inside a task when it is small, else by reference: Chunks messages that the leader stored
// beside the plan.
type RosterRef struct {
	Tasks  int    `json:"tasks"`
	Inline []byte `json:"inline,omitempty"`
	Stored TaskID `json:"stored,omitzero"` // whose roster, when not inline
	Chunks int    `json:"chunks,omitempty"`
}

// Encode packs the roster: the workers' names once, then two small numbers a task.
//
//	uvarint workers ─▶ (uvarint length, name)… ─▶ uvarint tasks ─▶ (uvarint worker, uvarint n)…
func (r Roster) Encode() []byte {
	index := map[WorkerID]uint64{}
	var names []WorkerID
	for _, a := range r {
		if _, known := index[a.Worker]; !known {
			index[a.Worker] = uint64(len(names))
			names = append(names, a.Worker)
		}
	}
	packed := binary.AppendUvarint(nil, uint64(len(names)))
	for _, name := range names {
		packed = binary.AppendUvarint(packed, uint64(len(name)))
		packed = append(packed, name...)
	}
	packed = binary.AppendUvarint(packed, uint64(len(r)))
	for _, a := range r {
		packed = binary.AppendUvarint(packed, index[a.Worker])
		packed = binary.AppendUvarint(packed, uint64(a.N))
	}
	return packed
}

// DecodeRoster reads what Encode wrote, and refuses anything else.
func DecodeRoster(packed []byte) (Roster, error) {
	d := rosterDecoder{rest: packed}
	names := make([]WorkerID, d.count(1))
	for i := range names {
		names[i] = d.name()
	}
	roster := make(Roster, d.count(2))
	for i := range roster {
		worker, n := d.number(), d.number()
		if worker >= uint64(len(names)) || n > 1<<32-1 {
			d.bad = true
			break
		}
		roster[i] = Attempt{names[worker], uint32(n)}
	}
	if d.bad || len(d.rest) > 0 {
		return nil, errBadRoster
	}
	return roster, nil
}

var errBadRoster = errors.New("decode roster: not a roster")

type rosterDecoder struct {
	rest []byte
	bad  bool
}

func (d *rosterDecoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// count reads a number of things of at least size bytes each: more than the rest can hold is refused before memory is
// made for them.
func (d *rosterDecoder) count(size int) int {
	n := d.number()
	if n > uint64(len(d.rest)/size) {
		d.bad, d.rest = true, nil
		return 0
	}
	return int(n)
}

func (d *rosterDecoder) name() WorkerID {
	n := d.count(1)
	name := WorkerID(d.rest[:n])
	d.rest = d.rest[n:]
	d.bad = d.bad || !token(string(name))
	return name
}
