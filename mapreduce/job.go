package mapreduce

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
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
	Program   string            `json:"program,omitempty"` // of a binary, or:
	Commands                    // executables
	Args      map[string]string `json:"args,omitempty"`
	Class     Class             `json:"class,omitempty"`      // of workers that have the program; empty: all have it
	Files     []string          `json:"files,omitempty"`      // like inputs: each a file that stands under its own name beside each attempt
	Records   Records           `json:"records,omitempty"`    // what a record of the inputs is
	Inputs    []string          `json:"inputs"`               // paths, directories, globs or URLs, as the workers see them
	Reduces   int               `json:"reduces,omitempty"`    // partitions; 0: chosen for the work
	MapOnly   bool              `json:"map_only,omitempty"`   // what maps emit is the rows: in the order of the input, if none is named
	SplitSize int64             `json:"split_size,omitempty"` // bytes; 0: chosen for the work
	Blob      int               `json:"blob,omitempty"`       // characters; splits are blobs of the original system: see BlobEnd
	SkipBad   int               `json:"skip_bad,omitempty"`   // so many records that the program cannot take are left out
	Pool      Pool              `json:"pool,omitempty"`       // of the workers that are to run it; "": DefaultPool
	Priority  int               `json:"priority,omitempty"`   // -MaxPriority to MaxPriority: tasks with a higher one go first in their pool
	Output    Target            `json:"output"`
}

// MaxPriority is the highest priority of a job; the lowest is as far below 0, which is what a job has that names none.
const MaxPriority = 10

// Limits of a job's description, in bytes, so that what is said of it fits a message.
const (
	MaxFiles   = 64 // that are shipped along
	maxProgram = 256
	maxTarget  = 4 << 10
)

// Validate refuses a job that can never run, and says what to change.
func (j Job) Validate() error {
	var size int
	if text, err := json.Marshal(j); err == nil {
		size = len(text)
	}
	switch {
	case size > MaxMessage/2: // first: other reasons quote what they refuse
		return fmt.Errorf("the job's description has %d bytes, %d at most: name a directory or quote a glob instead of listing its files",
			size, MaxMessage/2)
	case j.ID != "" && !j.ID.Valid():
		return fmt.Errorf("job id %.100q: use 1 to 64 of A-Z a-z 0-9 _ -", j.ID)
	case j.Program == "" && j.Commands == Commands{}:
		return errors.New("the job names no program")
	case j.Program != "" && j.Commands != Commands{}:
		return fmt.Errorf("the job names a program, %.100q, and commands: leave out one or the other", j.Program)
	case len(j.Files) > MaxFiles:
		return fmt.Errorf("%d files to ship along, %d at most: put them into an archive", len(j.Files), MaxFiles)
	case len(j.Inputs) == 0:
		return errors.New("the job names no input")
	case slices.Contains(j.Inputs, ""):
		return errors.New("an input of the job has no name")
	case !utf8.ValidString(strings.Join(append([]string{j.Program, j.Output.To, j.Output.Format, j.Output.Order, j.Map, j.Combine, j.Reduce},
		slices.Concat(j.Inputs, j.Files)...), "")):
		return errors.New("the job's description is not UTF-8: name such a file by a file:// URL with %XX in it")
	case len(j.Program) > maxProgram:
		return fmt.Errorf("the program's name has %d bytes, %d at most", len(j.Program), maxProgram)
	}
	return errors.Join(j.validateNumbers(), j.validateKinds(), j.validateParts())
}

// validateParts refuses what each part refuses by itself.
func (j Job) validateParts() error {
	return errors.Join(j.Pool.Check(), CheckPriority(j.Priority), j.Commands.validate(), j.Output.Validate())
}

// validateKinds refuses what does not go together.
func (j Job) validateKinds() error {
	_, err := ParseRecords(string(j.Records))
	switch {
	case err != nil:
		return err
	case j.Blob > 0 && j.Records != Lines:
		return fmt.Errorf("blobs of %s: blobs are of words", j.Records)
	case j.Blob > 0 && j.Map != "":
		return errors.New("blobs are for programs that read words: leave the blob out")
	case j.SkipBad > 0 && j.Map != "":
		return errors.New("which record a command cannot take, nobody can tell: have the command itself leave it out, and count it")
	case len(j.Args) > 0 && j.Map != "":
		return errors.New("arguments are for programs: write them into the command")
	case j.Class != "" && !j.Class.Valid():
		return fmt.Errorf("class %.100q: use 1 to 64 of A-Z a-z 0-9 _ -", j.Class)
	}
	return nil
}

// Name is how people call what the job runs.
func (j Job) Name() string {
	if j.Map != "" {
		return j.Commands.Name()
	}
	return j.Program
}

// Normal is the same job with what follows from the rest written out.
func (j Job) Normal() Job {
	j.MapOnly = j.MapOnly || j.Map != "" && j.Reduce == ""
	if j.Records == "lines" {
		j.Records = Lines
	}
	if j.Pool == DefaultPool {
		j.Pool = ""
	}
	return j
}

func (j Job) validateNumbers() error {
	switch {
	case j.Reduces < 0 || j.Reduces > MaxPartitions:
		return fmt.Errorf("%d reduces: use 1 to %d, or leave it out", j.Reduces, MaxPartitions)
	case j.MapOnly && j.Reduces > 0:
		return fmt.Errorf("%d reduces of a job that is map only: leave out one or the other", j.Reduces)
	case j.SkipBad < 0 || j.SkipBad > MaxSkipBad:
		return fmt.Errorf("%d bad records to skip: use 0 to %d", j.SkipBad, MaxSkipBad)
	case j.Blob < 0 || j.Blob > MaxBlob || j.Blob > 0 && j.SplitSize > 0:
		return fmt.Errorf("blobs of %d characters: use 1 to %d, and no split size, or leave it out", j.Blob, MaxBlob)
	case j.SplitSize < 0:
		return fmt.Errorf("split size %d: use 1 or more, or leave it out", j.SplitSize)
	}
	return nil
}

// Digest tells descriptions apart: two jobs with one digest ask for the same work, under the same id. How soon is no part of the work; who
// does it is, since workers of another pool may have other files.
func (j Job) Digest() string {
	j = j.Normal()
	j.Priority = 0
	if len(j.Args) == 0 {
		j.Args = nil // none is none, however it is written
	}
	if j.Output.Format == "" {
		j.Output.Format = "tsv" // what an empty one means
	}
	if j.Output.Order == "" && !j.MapOnly {
		j.Output.Order = "bytes"
	}
	j.Inputs, j.Files = byContent(j.Inputs), byContent(j.Files)
	text, err := json.Marshal(j)
	if err != nil {
		return err.Error() // strings, numbers and a map of strings: there is none
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// byContent has carried files as what they hold, whichever upload they came by.
func byContent(inputs []string) []string {
	inputs = slices.Clone(inputs)
	for i, input := range inputs {
		if _, holds, carried := strings.Cut(input, "#"); carried && strings.HasPrefix(input, CarriedScheme+"://") {
			inputs[i] = CarriedScheme + ":" + holds
		}
	}
	return inputs
}

// Uploads names the uploads among the inputs: what the bus carries for the job. Each once.
func (j Job) Uploads() []string {
	var uploads []string
	for _, input := range slices.Concat(j.Inputs, j.Files) {
		rest, carried := strings.CutPrefix(input, CarriedScheme+"://")
		upload := rest[:strings.IndexAny(rest+"/", "/#")]
		if carried && token(upload) && !slices.Contains(uploads, upload) {
			uploads = append(uploads, upload)
		}
	}
	return uploads
}

// CarriedScheme is the scheme of inputs that the bus carries: bus://upload/….
const CarriedScheme = "bus"

// Same reports whether the two ask for the same work under the same id.
func (j Job) Same(other Job) bool { return j.Digest() == other.Digest() }

// State is where a job stands, as users see it.
type State string

// The states of a job, as users see them. The last three are final.
const (
	Queued    State = "queued"
	Planning  State = "planning"
	Mapping   State = "mapping"
	Reducing  State = "reducing"
	Finishing State = "finishing"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"

	// Removed is the state of what is left of a job that was removed or retried: its uid, so that whatever a late attempt
	// still writes for it is known to be dead. Users do not see it.
	Removed State = "removed"
)

// UserStates are the states that users see, in the order of a job's life.
func UserStates() []State {
	return []State{Queued, Planning, Mapping, Reducing, Finishing, Done, Failed, Cancelled}
}

// Final reports whether a job in this state never changes again.
func (s State) Final() bool { return s == Done || s == Failed || s == Cancelled || s == Removed }

// RecordVersion is the version of the records that this binary writes and understands.
const RecordVersion = 1

// Record is what the leader writes into the state bucket when a job enters a state, or when a repair of it begins: one key
// for each (uid, state), (uid, repair) and (uid, part of the quarantine), so that a replay needs no order. A record is rewritten once: when a job that has
// ended is swept.
type Record struct {
	Version    int         `json:"v"`
	UID        UID         `json:"uid"`
	Job        JobID       `json:"job"`
	State      State       `json:"state"`
	At         time.Time   `json:"at,omitzero"`
	Seq        uint64      `json:"seq,omitempty"`   // queued, or refused: the submission's sequence in the jobs stream
	Retry      int         `json:"retry,omitempty"` // queued: the how manieth retry of the job it is
	Exec       bool        `json:"exec,omitempty"`  // queued: it came from where only those who may have commands run can submit
	Spec       *Job        `json:"spec,omitempty"`  // queued, or refused
	Reduces    int         `json:"reduces,omitempty"`
	Repair     *Repair     `json:"repair,omitempty"`     // no state, but a new generation of what was lost
	Quarantine *Quarantine `json:"quarantine,omitempty"` // no state, but records that were left out
	Summary    *Summary    `json:"summary,omitempty"`    // final: what the job did; its commits are gone then
	Error      string      `json:"error,omitempty"`      // failed, cancelled
	Swept      bool        `json:"swept,omitempty"`      // final: what the job no longer needs is gone
}

// Repair makes output again that was committed and is lost: these tasks run again, in a generation of their own.
type Repair struct {
	Generation Generation `json:"generation"`
	Phase      Phase      `json:"phase"` // Map or Reduce
	Tasks      Ranges     `json:"tasks"`
	Partitions Ranges     `json:"partitions,omitempty"` // map: those whose runs are lost
}

// Summary is what is kept of a job that has ended.
type Summary struct {
	Maps        int           `json:"maps"`
	Done        int           `json:"done"` // of the maps
	Reduces     int           `json:"reduces"`
	Reduced     int           `json:"reduced"`
	Inputs      int           `json:"inputs,omitempty"`
	Bytes       int64         `json:"bytes"`
	Read        int64         `json:"read,omitempty"` // bytes: by the maps that were done
	Records     int64         `json:"records"`
	Groups      int64         `json:"groups"`
	Rows        int64         `json:"rows"`
	Quarantined int           `json:"quarantined,omitempty"` // records that were left out
	Counters    Counters      `json:"counters,omitempty"`
	Attempts    AttemptCounts `json:"attempts"`
	Ended       time.Time     `json:"ended,omitzero"`
}
