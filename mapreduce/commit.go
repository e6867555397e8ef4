package mapreduce

import (
	"fmt"
	"strconv"
	"time"
)

// Counts is what an attempt did; the sums over a job's committed attempts are its totals.
type Counts struct {
	Bytes    int64 `json:"bytes,omitempty"`    // map: input read
	Records  int64 `json:"records,omitempty"`  // map: pairs emitted by the mapper; reduce: pairs read
	Groups   int64 `json:"groups,omitempty"`   // reduce: distinct keys
	Rows     int64 `json:"rows,omitempty"`     // reduce, finish: rows written
	Shuffled int64 `json:"shuffled,omitempty"` // map, reduce: bytes published for the next phase, as they travel
	Out      int64 `json:"out,omitempty"`      // finish: bytes of output
}

// Plus adds up.
func (c Counts) Plus(d Counts) Counts {
	return Counts{
		Bytes: c.Bytes + d.Bytes, Records: c.Records + d.Records, Groups: c.Groups + d.Groups, Rows: c.Rows + d.Rows,
		Shuffled: c.Shuffled + d.Shuffled, Out: c.Out + d.Out,
	}
}

// Digest is a 64-bit hash of an attempt's whole output in canonical form (uncompressed records, in order): equal for
// equal output, however it was cut, compressed or spilled.
type Digest uint64

// MarshalText writes 16 hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(d)), nil }

// UnmarshalText reads what MarshalText wrote, and refuses anything else.
func (d *Digest) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil || fmt.Sprintf("%016x", n) != string(text) {
		return fmt.Errorf("parse digest %q: not 16 hexadecimal digits", text)
	}
	*d = Digest(n)
	return nil
}

// Commit is the record that makes an attempt's output count. It is created once for each task and generation; the first
// attempt to create it wins, and all others discard what they made.
type Commit struct {
	Version int           `json:"v"`
	Task    TaskID        `json:"task"`
	Attempt Attempt       `json:"attempt"`
	Counts  Counts        `json:"counts,omitzero"`
	Took    time.Duration `json:"took,omitempty"`  // from when it began, in nanoseconds
	Ended   int64         `json:"ended,omitempty"` // when it was made, by the worker's clock, in Unix milliseconds
	Digest  Digest        `json:"digest"`
	Bad     []BadRecord   `json:"bad,omitempty"` // map: records that the program could not take, left out

	Speculative bool `json:"speculative,omitempty"` // it was begun beside another attempt of its task

	Counters Counters     `json:"counters,omitempty"` // map, reduce: what the program has counted
	Plan     *PlanSummary `json:"plan,omitempty"`     // plan tasks only
}

// Failure is the durable record of an attempt that did not commit.
type Failure struct {
	Version   int       `json:"v"`
	Task      TaskID    `json:"task"`
	Attempt   Attempt   `json:"attempt"`
	Lost      bool      `json:"lost,omitempty"`      // its worker died: free, not the program's fault
	Permanent bool      `json:"permanent,omitempty"` // no other attempt can do better: an input is missing, was changed, …
	Careful   bool      `json:"careful,omitempty"`   // map: it ran one record at a time
	Decided   bool      `json:"decided,omitempty"`   // finish: it failed in publishing, after the end was decided
	Reason    string    `json:"reason"`
	At        time.Time `json:"at,omitzero"`

	Took        time.Duration `json:"took,omitempty"`        // up to then, in nanoseconds
	Speculative bool          `json:"speculative,omitempty"` // it was begun beside another attempt of its task

	// Output that others had committed was gone when the attempt wanted it: nothing that it did.
	Missing  Ranges     `json:"missing,omitempty"`  // reduce: maps without their runs; finish: partitions without their rows
	Seen     Generation `json:"seen,omitempty"`     // the latest generation of lanes that it looked through
	Laneless bool       `json:"laneless,omitempty"` // a lane that it was to publish on is gone
	Absent   bool       `json:"absent,omitempty"`   // the worker lacks an input, or room on its disk: another may have it
}

// End is the one record that decides how a job ends; it is created once, and the first wins. State Done means that the
// output with this digest is to be published: then it is finish's decision, and only publishing is left to do.
type End struct {
	Version int     `json:"v"`
	UID     UID     `json:"uid"`
	State   State   `json:"state"` // Done, Failed or Cancelled
	Attempt Attempt `json:"attempt,omitzero"`
	Digest  Digest  `json:"digest,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	// Mark is where the target stood before the decision, as Tables says it: whoever publishes expects that nobody has written since.
	Mark string `json:"mark,omitempty"`
}
