package simulation

import (
	"encoding/json"
	"time"

	"jetreduce/mapreduce"
)

// bus is what is durable: records, commits, plans, rosters, submissions, results. It loses nothing that it has taken but
// runs, and decides every race.
type bus struct {
	w       *world
	epoch   mapreduce.Epoch // of the leader whose records are taken
	records []written
	keys    map[recordKey]int // where the latest record of each key stands
	states  map[mapreduce.UID]written

	log      []logged // commits, failures and ends, in order
	owned    map[mapreduce.UID][]int
	commits  map[mapreduce.TaskID]mapreduce.Commit
	places   map[mapreduce.TaskID]int // of commits in the log
	failures map[failureKey]bool
	ends     map[mapreduce.UID]mapreduce.End

	submissions []*submission
	plans       map[planKey][]cut
	rosters     map[mapreduce.TaskID][][]byte
	outputs     map[mapreduce.UID]bag
	unwanted    map[mapreduce.UID]bool // results that were taken away: a late one is refused
	refused     map[mapreduce.UID]bool // jobs for which there was no room
	history
}

// written is a state record and the leader that wrote it.
type written struct {
	mapreduce.Record
	epoch mapreduce.Epoch
	gone  bool // overwritten, or forgotten
}

// logged is an event of the commit log.
type logged struct {
	event mapreduce.Event
	uid   mapreduce.UID
	gone  bool // forgotten
}

// recordKey is the key of a state record.
type recordKey struct {
	uid    mapreduce.UID
	state  mapreduce.State
	repair mapreduce.Generation
	part   int // of the quarantine, from 1
}

type failureKey struct {
	task    mapreduce.TaskID
	attempt mapreduce.Attempt
}

type planKey struct {
	uid     mapreduce.UID
	attempt mapreduce.Attempt
	chunk   int
}

func newBus(w *world) *bus {
	return &bus{
		w: w, keys: map[recordKey]int{}, states: map[mapreduce.UID]written{}, owned: map[mapreduce.UID][]int{},
		commits: map[mapreduce.TaskID]mapreduce.Commit{}, places: map[mapreduce.TaskID]int{},
		failures: map[failureKey]bool{}, ends: map[mapreduce.UID]mapreduce.End{},
		plans: map[planKey][]cut{}, rosters: map[mapreduce.TaskID][][]byte{}, outputs: map[mapreduce.UID]bag{},
		unwanted: map[mapreduce.UID]bool{}, refused: map[mapreduce.UID]bool{}, history: newHistory(),
	}
}

// fence refuses a leader whose epoch does not stand.
func (b *bus) fence(epoch mapreduce.Epoch) error {
	if epoch != b.epoch && b.w.config.Bug != NoFence {
		b.w.tally.Refused++
		return mapreduce.ErrDeposed
	}
	return nil
}

// write writes a state record, if epoch still stands.
func (b *bus) write(epoch mapreduce.Epoch, record mapreduce.Record) error {
	if err := b.fence(epoch); err != nil {
		return err
	}
	record = b.carried(record)
	b.w.checkFence(epoch, record)
	b.w.checkRecord(record)
	key := recordKey{uid: record.UID, state: record.State}
	switch {
	case record.Repair != nil:
		key = recordKey{uid: record.UID, repair: record.Repair.Generation}
		b.repairs[record.UID] = append(b.repairs[record.UID], *record.Repair)
	case record.Quarantine != nil:
		key = recordKey{uid: record.UID, part: record.Quarantine.Part + 1}
	default:
		b.states[record.UID] = written{Record: record, epoch: epoch}
		if record.State == mapreduce.Removed && record.Swept {
			b.w.tally.Removed++
		}
	}
	index := b.store(key, written{Record: record, epoch: epoch})
	if b.w.chance(b.w.chaos.WriteRepeats) {
		b.w.after(b.w.between(0, time.Second), func() { b.repeat(key, index) })
	}
	return nil
}

// store puts a record behind all others, as the one that its key has. A standby hears of it later.
func (b *bus) store(key recordKey, record written) (index int) {
	if before, known := b.keys[key]; known {
		b.records[before].gone = true
	}
	index = len(b.records)
	b.keys[key] = index
	b.records = append(b.records, record)
	if l := b.w.standby; l != nil {
		b.w.after(b.lag(), func() { l.hearState(index) })
	}
	return index
}

// repeat writes a record once more, as a leader does that had no answer: unless another leads, or its key has changed.
func (b *bus) repeat(key recordKey, index int) {
	if r := b.records[index]; !r.gone && r.epoch == b.epoch {
		b.w.note("record %s is written again", described(r.Record))
		b.w.tally.Repeats++
		b.store(key, r)
	}
}

// lag is how long a record takes to whoever watches.
func (b *bus) lag() time.Duration {
	delay := b.w.between(0, 20*time.Millisecond)
	if b.w.chance(b.w.chaos.WatchDelayed) {
		delay += b.w.between(0, 5*time.Second)
		b.w.tally.Late++
	}
	return delay
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

// commit creates a commit record, and reports whether there was none.
func (b *bus) commit(c mapreduce.Commit) bool {
	if _, taken := b.commits[c.Task]; taken && b.w.config.Bug != LastCommitWins {
		return false
	}
	b.w.note("commit %s by %s, digest %d", c.Task, c.Attempt, c.Digest)
	b.w.tally.Tasks++
	b.w.checkCommit(c)
	b.commits[c.Task], b.places[c.Task] = c, len(b.log)
	b.append(c.Task.UID, c)
	return true
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
	if len(f.Missing) > 0 {
		b.missed[f.Task.UID] = append(b.missed[f.Task.UID], f)
	}
	b.w.note("failure of %s by %s: lost %t, permanent %t, decided %t, missing %s in %d: %s",
		f.Task, f.Attempt, f.Lost, f.Permanent, f.Decided, f.Missing, f.Seen, f.Reason)
	b.append(f.Task.UID, f)
}

// end creates the record that ends a job, and reports whether there was none.
func (b *bus) end(e mapreduce.End) bool {
	if _, taken := b.ends[e.UID]; taken && b.w.config.Bug != LastEndWins {
		return false
	}
	b.w.note("end of %s: %s by %s: %s", e.UID, e.State, e.Attempt, e.Reason)
	b.w.checkEnd(e)
	b.ends[e.UID] = e
	b.append(e.UID, e)
	return true
}

// append adds to the commit log. All who lead or stand by hear of it later, in order.
func (b *bus) append(uid mapreduce.UID, event mapreduce.Event) {
	index := len(b.log)
	b.log = append(b.log, logged{event: event, uid: uid})
	b.owned[uid] = append(b.owned[uid], index)
	for _, l := range b.w.watchers() {
		b.w.after(b.lag(), func() { l.hear(index) })
	}
}

// publish makes an output appear, unless it was taken away before. It is idempotent.
func (b *bus) publish(uid mapreduce.UID, output bag) (refused bool) {
	if b.unwanted[uid] {
		return true
	}
	b.w.checkOutput(uid, output)
	b.outputs[uid] = output
	return false
}
