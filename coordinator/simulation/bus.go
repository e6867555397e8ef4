package simulation

import (
	"encoding/json"
	"time"

	"jetreduce/mapreduce"
)

// bus is what is durable: records, commits, plans, rosters, submissions, outputs. It never loses anything that it has
// taken, and decides every race.
type bus struct {
	w       *world
	epoch   mapreduce.Epoch // of the leader whose records are taken
	records []written
	states  map[mapreduce.UID]written // the latest record of each

	log      []mapreduce.Event // commits, failures and ends, in order
	commits  map[mapreduce.TaskID]mapreduce.Commit
	places   map[mapreduce.TaskID]int // of commits in the log
	failures map[failureKey]bool
	ends     map[mapreduce.UID]mapreduce.End

	submissions []*submission
	plans       map[planKey][]cut
	rosters     map[mapreduce.TaskID][][]byte
	outputs     map[mapreduce.UID]bag
	refused     map[mapreduce.UID]bool // jobs for which there was no room
	specs       map[mapreduce.UID]mapreduce.Job
	reduces     map[mapreduce.UID]int // R, as recorded
}

// written is a state record and the leader that wrote it.
type written struct {
	mapreduce.Record
	epoch mapreduce.Epoch
}

type failureKey struct {
	task    mapreduce.TaskID
	attempt mapreduce.Attempt
}

type planKey struct {
	attempt mapreduce.Attempt
	chunk   int
}

func newBus(w *world) *bus {
	return &bus{
		w: w, states: map[mapreduce.UID]written{},
		commits: map[mapreduce.TaskID]mapreduce.Commit{}, places: map[mapreduce.TaskID]int{},
		failures: map[failureKey]bool{}, ends: map[mapreduce.UID]mapreduce.End{},
		plans: map[planKey][]cut{}, rosters: map[mapreduce.TaskID][][]byte{}, outputs: map[mapreduce.UID]bag{},
		refused: map[mapreduce.UID]bool{}, specs: map[mapreduce.UID]mapreduce.Job{}, reduces: map[mapreduce.UID]int{},
	}
}

// write writes a state record, if epoch still stands.
func (b *bus) write(epoch mapreduce.Epoch, record mapreduce.Record) error {
	if epoch != b.epoch && b.w.config.Bug != NoFence {
		b.w.tally.Refused++
		return mapreduce.ErrDeposed
	}
	record = b.carried(record)
	b.w.checkRecord(record)
	b.records = append(b.records, written{record, epoch})
	b.states[record.UID] = written{record, epoch}
	return nil
}

// carried is the record as whoever reads it gets it: it has been JSON in between.
func (b *bus) carried(record mapreduce.Record) (copied mapreduce.Record) {
	text, err := json.Marshal(record)
	if err == nil {
		err = json.Unmarshal(text, &copied)
	}
	if err != nil {
		b.w.violate("record of %s cannot be carried: %w", record.UID, err)
	}
	return copied
}

// commit creates a commit record, and returns the one that stands.
func (b *bus) commit(c mapreduce.Commit) mapreduce.Commit {
	first, taken := b.commits[c.Task]
	if taken && b.w.config.Bug != LastCommitWins {
		return first
	}
	b.w.note("commit %s by %s", c.Task, c.Attempt)
	b.w.tally.Tasks++
	b.commits[c.Task], b.places[c.Task] = c, len(b.log)
	b.append(c)
	return c
}

// fail creates the record of a failed or lost attempt.
func (b *bus) fail(f mapreduce.Failure) {
	key := failureKey{f.Task, f.Attempt}
	if b.failures[key] {
		return
	}
	b.failures[key] = true
	if !f.Lost {
		b.w.tally.Failures++
	}
	b.w.note("failure of %s by %s: lost %t, permanent %t, decided %t: %s", f.Task, f.Attempt, f.Lost, f.Permanent, f.Decided, f.Reason)
	b.append(f)
}

// end creates the record that ends a job, and returns the one that stands.
func (b *bus) end(e mapreduce.End) mapreduce.End {
	first, taken := b.ends[e.UID]
	if taken && b.w.config.Bug != LastEndWins {
		return first
	}
	b.w.note("end of %s: %s by %s: %s", e.UID, e.State, e.Attempt, e.Reason)
	b.ends[e.UID] = e
	b.append(e)
	b.w.checkEnd(e)
	return e
}

// append adds to the commit log. Every leader hears of it later, in order.
func (b *bus) append(event mapreduce.Event) {
	index := len(b.log)
	b.log = append(b.log, event)
	for _, l := range b.w.leaders {
		delay := b.w.between(0, 20*time.Millisecond)
		if b.w.chance(b.w.chaos.WatchDelayed) {
			delay += b.w.between(0, 5*time.Second)
			b.w.tally.Late++
		}
		b.w.after(delay, func() { l.hear(index) })
	}
}

// publish makes an output appear. It is idempotent.
func (b *bus) publish(uid mapreduce.UID, output bag) {
	b.w.checkOutput(uid, output)
	b.outputs[uid] = output
}
