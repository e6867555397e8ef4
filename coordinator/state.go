package coordinator

import (
	"time"

	"jetreduce/mapreduce"
)

// Config holds the numbers of the state machine; zero fields take the defaults beside them.
type Config struct {
	Epoch        mapreduce.Epoch
	Process      string          // that this state machine runs in, as users know it
	Class        mapreduce.Class // of map and reduce tasks: what a worker must be able to run
	Exec         ExecPolicy      // anyone: from whom jobs of commands are taken
	WorkerSilent int             // 8: a worker that sent no heartbeat for so many ticks is dead
	Resettle     time.Duration   // 1 s: after a takeover, wait so long for heartbeats before tasks are queued again
	MaxFailures  int             // 4: so many failed attempts of one task fail the job (paper, 4.6: a bug, not bad luck)
	MaxLosses    int             // 50: so many lost attempts of one task fail the job: it kills its workers
	MinWindow    int             // 16: tasks of a job in the queue at least
	MaxWindow    int             // 1024: … and at most, while they are short and the slots want no more
	Refill       int             // 16: the queue is filled up when so manieth part of a job's window is free, or at the next tick
	Portion      int             // 1000: a step queues or withdraws so many tasks of a job at most; nothing else is decided meanwhile
	RosterInline int             // 16 KiB: a larger roster is stored
	Gather       time.Duration   // 1 s: after lost output was reported, wait so long for other readers to report theirs
	MaxRepairs   int             // 50: a job whose output is lost so often fails
	SweepEvery   time.Duration   // 10 min: how often to look for what ended jobs have left
	Straggling   int             // 3: a task that runs so many times as long as most have taken is queued once more
	StragglerAge time.Duration   // 1 s: but not before it has run so long
	Deserted     time.Duration   // 10 min: a queue of a pool or a binary that no worker serves and no job needs is dropped after that

	// Complete writes out what follows from a job's program, or refuses the job; nil: nothing is known of programs here. The same job always
	// gets the same answer, and gets it at once.
	Complete func(mapreduce.Job) (mapreduce.Job, error)

	Keep        time.Duration // jobs that have ended are removed after that; 0: never
	KeepJobs    int           // no more of them than that are kept, the last to end; 0: all
	KeepResults time.Duration // jobs whose result the bus has are removed after that, whatever Keep and KeepJobs say; 0: never
	KeepAtLeast time.Duration // 10 min: but nothing sooner, so that whoever waits for a job sees how it ended
	Remember    time.Duration // 7 days: that a job was removed is remembered so long
	RetainEvery time.Duration // 10 s: how often to look for what has been kept long enough
}

func (c Config) withDefaults() Config {
	def(&c.Class, "builtin")
	def(&c.WorkerSilent, 8)
	def(&c.Resettle, time.Second)
	def(&c.MaxFailures, 4)
	def(&c.MaxLosses, 50)
	def(&c.MinWindow, 16)
	def(&c.MaxWindow, 1024)
	def(&c.Refill, 16)
	def(&c.Portion, 1000)
	def(&c.RosterInline, 16<<10)
	def(&c.Gather, time.Second)
	def(&c.MaxRepairs, 50)
	def(&c.SweepEvery, 10*time.Minute)
	def(&c.Straggling, 3)
	def(&c.StragglerAge, time.Second)
	def(&c.Deserted, 10*time.Minute)
	def(&c.KeepAtLeast, 10*time.Minute)
	def(&c.Remember, 7*24*time.Hour)
	def(&c.RetainEvery, 10*time.Second)
	return c
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// State is all that a leader knows. Make one with NewState, feed it with Step; nothing else changes it.
type State struct {
	config   Config
	now      time.Time
	began    time.Time // when it began to listen
	looked   time.Time // for what ended jobs have left, last
	retained time.Time // for what has been kept long enough, last
	dated    time.Time // the newest date of a record
	leading  bool      // all records have been replayed

	jobs     []*job                  // in the order of submission: served in turn
	live     []*job                  // of these, those that have not ended, and some that have since the last tick
	past     map[mapreduce.State]int // how many of the others there are
	ranked   bool                    // some have a priority
	byUID    map[mapreduce.UID]*job
	byID     map[mapreduce.JobID]*job // the latest submission of each id
	bySeq    map[uint64]bool          // submissions taken up
	workers  map[mapreduce.WorkerID]*member
	slots    map[line]int                        // of them
	crews    map[mapreduce.Pool]int              // how many of them each pool has
	openings map[line]opening                    // queues of pools and binaries that this leader has opened
	deserted map[line]time.Time                  // those that nobody needs: since when
	work     *work                               // what they run; nil: not looked at in this step
	turn     int                                 // which job is served first
	kept     map[mapreduce.UID][]mapreduce.Event // records of jobs that cannot be placed yet
	earlies  int                                 // how many they are
	behind   bool                                // some were too many to keep: this state misses records
	late     map[mapreduce.UID]bool              // ended jobs of which something was recorded after that
	moot     []uint64                            // where in the queue tasks stand that are to be withdrawn

	tally *tally // of this leadership

	commands []Command // of the step under way
}

// member is a worker that was heard of. Its silence is counted in ticks that this leader lived through, not in time: a
// leader that was paused finds old heartbeats and one tick, and must not bury everybody.
type member struct {
	beat   mapreduce.Beat
	heard  time.Time
	silent int
}

// NewState is the state of a leader that knows nothing yet.
func NewState(config Config) *State {
	return &State{
		config:   config.withDefaults(),
		past:     map[mapreduce.State]int{},
		byUID:    map[mapreduce.UID]*job{},
		byID:     map[mapreduce.JobID]*job{},
		bySeq:    map[uint64]bool{},
		workers:  map[mapreduce.WorkerID]*member{},
		slots:    map[line]int{},
		crews:    map[mapreduce.Pool]int{},
		openings: map[line]opening{},
		deserted: map[line]time.Time{},
		kept:     map[mapreduce.UID][]mapreduce.Event{},
		late:     map[mapreduce.UID]bool{},
		tally:    newTally(time.Time{}),
	}
}

// TakeOver begins a leadership: all that is commanded from here on is commanded under this epoch.
func (s *State) TakeOver(epoch mapreduce.Epoch) { s.config.Epoch = epoch }

// do adds a command to the step's. A leader that is still replaying commands nothing: whatever is missing is derived
// from the records when it begins to lead.
func (s *State) do(c Command) {
	if s.leading {
		s.commands = append(s.commands, c)
	}
}
