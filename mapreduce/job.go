package mapreduce

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits that keep every message of state, plan, commit and queue under MaxMessage.
const (
	MaxMessage    = 256 << 10 // bytes of one message that is not data
	MaxSplits     = 1_000_000 // splits of one job
	MaxPartitions = 4096      // partitions of one job
)

// Job is what a user submits; as JSON it is the interface of `nats req jetreduce.api.submit`.
type Job struct {
	ID        JobID             `json:"id,omitempty"`
	Program   string            `json:"program,omitempty"`
	Args      map[string]string `json:"args,omitempty"`
	Inputs    []string          `json:"inputs"`               // paths, directories, globs or URLs, as the workers see them
	Reduces   int               `json:"reduces,omitempty"`    // partitions; 0: chosen for the work
	SplitSize int64             `json:"split_size,omitempty"` // bytes; 0: chosen for the work
	Output    Target            `json:"output"`
}

// Target says where a job's result goes, and how it looks.
type Target struct {
	To     string `json:"to,omitempty"`     // file:///path
	Format string `json:"format,omitempty"` // tsv (also when empty), csv, ndjson
	Order  string `json:"order,omitempty"`  // bytes (also when empty), original, or a BCP 47 collation
	Force  bool   `json:"force,omitempty"`  // replace what is there
}

// Validate refuses a job that can never run, and says what to change.
func (j Job) Validate() error {
	var size int
	if text, err := json.Marshal(j); err == nil {
		size = len(text)
	}
	switch {
	case j.ID != "" && !j.ID.Valid():
		return fmt.Errorf("job id %q: use 1 to 64 of A-Z a-z 0-9 _ -", j.ID)
	case j.Program == "":
		return errors.New("the job names no program")
	case len(j.Inputs) == 0:
		return errors.New("the job names no input")
	case !utf8.ValidString(strings.Join(append([]string{j.Program, j.Output.To, j.Output.Format, j.Output.Order}, j.Inputs...), "")):
		return errors.New("the job's description is not UTF-8: name such a file by a file:// URL with %XX in it")
	case j.Reduces < 0 || j.Reduces > MaxPartitions:
		return fmt.Errorf("%d reduces: use 1 to %d, or leave it out", j.Reduces, MaxPartitions)
	case j.SplitSize < 0:
		return fmt.Errorf("split size %d: use 1 or more, or leave it out", j.SplitSize)
	case size > MaxMessage/2:
		return fmt.Errorf("the job's description has %d bytes, %d at most: name a directory or quote a glob instead of listing its files",
			size, MaxMessage/2)
	}
	return nil
}

// Digest tells descriptions apart: two jobs with one digest ask for the same work, under the same id.
func (j Job) Digest() string {
	if len(j.Args) == 0 {
		j.Args = nil // none is none, however it is written
	}
	text, err := json.Marshal(j)
	if err != nil {
		return err.Error() // strings, numbers and a map of strings: there is none
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// Same reports whether the two ask for the same work under the same id.
func (j Job) Same(other Job) bool { return j.Digest() == other.Digest() }

// State is where a job stands, as users see it.
type State string

// The states of a job. The last three are final.
const (
	Queued    State = "queued"
	Planning  State = "planning"
	Mapping   State = "mapping"
	Reducing  State = "reducing"
	Finishing State = "finishing"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Final reports whether a job in this state never changes again.
func (s State) Final() bool { return s == Done || s == Failed || s == Cancelled }

// RecordVersion is the version of the records that this binary writes and understands.
const RecordVersion = 1

// Record is what the leader writes into the state bucket when a job enters a state: one key for each (uid, state), so
// that a record is never rewritten and a replay needs no order among jobs.
type Record struct {
	Version int    `json:"v"`
	UID     UID    `json:"uid"`
	Job     JobID  `json:"job"`
	State   State  `json:"state"`
	Seq     uint64 `json:"seq,omitempty"`  // queued: the submission's sequence in the jobs stream
	Spec    *Job   `json:"spec,omitempty"` // queued
	Reduces int    `json:"reduces,omitempty"`
	Error   string `json:"error,omitempty"` // failed, cancelled
}
