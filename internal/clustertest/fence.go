package clustertest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"

	"github.com/anishathalye/porcupine"

	"jetreduce/mapreduce"
)

// FenceCall is what a coordinator asks of the state bucket.
type FenceCall struct {
	Do     FenceOp
	Epoch  mapreduce.Epoch // under which it writes; acquire: the one that it believes to stand
	Record mapreduce.UID   // write: what it writes; each write another
}

// FenceOp is a kind of FenceCall.
type FenceOp string

// What coordinators ask for.
const (
	Acquire FenceOp = "acquire"
	Write   FenceOp = "write"   // a record, under an epoch
	Confirm FenceOp = "confirm" // any other write under an epoch: it leaves nothing that others read
	Read    FenceOp = "read"    // all records, by a leader that takes over
)

// FenceAnswer is what was answered. An operation without an answer has none.
type FenceAnswer struct {
	Refused bool
	Epoch   mapreduce.Epoch // acquire: what was won
	Records uint64          // read: the sum of what was read, see Sum
	Seen    map[mapreduce.UID]bool
}

// fence is what a model of the state bucket remembers.
//
//	acquire(after) ── only while after stands ──▶ a later epoch stands
//	write(epoch)   ── only while epoch stands ──▶ the record is there, for good
//	read           ── sees every record that is there, and no other
type fence struct {
	epoch   mapreduce.Epoch
	unheld  bool // a later epoch than that stands, whose winner was never told its number
	records uint64
}

// FenceModel is what the fence promises: an epoch is won once and by one, nothing is accepted under an epoch when a later one
// stands, and who takes over reads all that was accepted before.
func FenceModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return fence{} },
		Step: func(state, input, output any) (bool, any) {
			return state.(fence).step(input.(FenceCall), output)
		},
		DescribeOperation: describeFence,
		DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
	}
}

func describeFence(input, output any) string {
	call := input.(FenceCall)
	answer, answered := output.(FenceAnswer)
	what := fmt.Sprintf("%s epoch=%d %s", call.Do, call.Epoch, call.Record)
	switch {
	case !answered:
		return what + ": no answer"
	case answer.Refused:
		return what + ": refused"
	case call.Do == Acquire:
		return fmt.Sprintf("%s: won %d", what, answer.Epoch)
	case call.Do == Read:
		return fmt.Sprintf("%s: %d records, sum %x", what, len(answer.Seen), answer.Records)
	}
	return what + ": done"
}

func (f fence) step(call FenceCall, output any) (bool, fence) {
	answer, answered := output.(FenceAnswer)
	switch call.Do {
	case Acquire:
		return f.acquire(call, answer, answered)
	case Read:
		return answer.Records == f.records, f
	}
	stands := f.epoch == call.Epoch && !f.unheld
	if stands && !answer.Refused {
		f.records ^= sum(call.Record)
	}
	return !answered || stands != answer.Refused, f
}

// acquire is a compare-and-swap. One that is not answered and comes at a time when it would be refused, is: it may as well have
// come later.
func (f fence) acquire(call FenceCall, answer FenceAnswer, answered bool) (bool, fence) {
	stands := f.epoch == call.Epoch && !f.unheld || f.unheld && call.Epoch > f.epoch
	switch {
	case answered && answer.Refused:
		return f.unheld || !stands, f
	case answered:
		return stands && answer.Epoch > call.Epoch, fence{epoch: answer.Epoch, records: f.records}
	case stands:
		return true, fence{epoch: call.Epoch, unheld: true, records: f.records}
	}
	return true, f
}

// sum is that of a set of one record; that of several is the XOR of theirs. The empty name, of what leaves no record, has none.
func sum(record mapreduce.UID) uint64 {
	if record == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(record))
	return h.Sum64()
}

// Sum is the sum of a set of records, each once, as reads of it answer.
func Sum(records map[mapreduce.UID]bool) (all uint64) {
	for record := range records {
		all ^= sum(record)
	}
	return all
}

// noteFence notes the answer to a call, if it was one: mapreduce.ErrDeposed or success.
func noteFence(answered func(any), err error, answer FenceAnswer) {
	switch {
	case errors.Is(err, mapreduce.ErrDeposed):
		answered(FenceAnswer{Refused: true})
	case err == nil:
		answered(answer)
	}
}

// Settled is a history as the model can judge it.
//
// A write is tried again when its answer was lost, and only the last try is answered: one that was refused may have been
// accepted before, while its epoch stood. So a refusal is two operations: a write without an answer that came before it, and
// the refusal. What had no answer at all, and has no effect that anybody has seen, is left out: it may never have come, and
// there would be many orders of it to try.
func Settled(ops []porcupine.Operation) (settled []porcupine.Operation) {
	seen := map[mapreduce.UID]bool{}
	for _, op := range ops {
		if answer, ok := op.Output.(FenceAnswer); ok {
			maps.Copy(seen, answer.Seen)
		}
	}
	for _, op := range ops {
		call := op.Input.(FenceCall)
		answer, answered := op.Output.(FenceAnswer)
		visible := call.Do == Write && seen[call.Record]
		if answered || visible || call.Do == Acquire {
			settled = append(settled, op)
		}
		if answer.Refused && visible {
			op.Output = nil
			settled = append(settled, op)
		}
	}
	return settled
}
