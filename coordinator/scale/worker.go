package scale

import (
	"fmt"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// worker is one place where worker processes live, one after another.
type worker struct {
	w       *world
	number  int
	life    uint64 // 0: nobody has lived here yet; a dead one's is over
	id      mapreduce.WorkerID
	count   uint32
	running []uint64 // messages
	beaten  time.Duration
	begun   bool // since the last beat
}

func (k *worker) start() {
	k.life++
	k.id = mapreduce.WorkerID(fmt.Sprintf("w%06x%d", k.number, k.life))
	k.count, k.running, k.begun = 0, nil, false
	for range k.w.config.Slots {
		k.wait(class)
	}
	k.wait(mapreduce.IO)
	k.beat()
	k.w.after(beatEvery, beat, k, k.life)
}

// wait puts a free slot into its line.
func (k *worker) wait(c mapreduce.Class) {
	l := k.w.queue.lines[c]
	l.free = append(l.free, place{k, k.life})
	k.w.serveSoon()
}

// die ends this life; nobody is told.
func (k *worker) die() {
	k.w.result.Deaths++
	k.life++
	for _, seq := range k.running {
		k.w.queue.messages[seq].by = nil
	}
	k.running = nil
	k.w.after(replace, start, k, k.life)
}

// onBeat sends the heartbeats of the clock.
func (k *worker) onBeat() {
	if rate := k.w.config.KillRate; rate > 0 && k.w.rng.Float64() < rate*beatEvery.Minutes() {
		k.die()
		return
	}
	k.beat()
	k.w.result.Messages.Progress += len(k.running)
	k.w.after(beatEvery, beat, k, k.life)
}

// beat says what runs here.
func (k *worker) beat() {
	k.beaten, k.begun = k.w.now, false
	b := mapreduce.Beat{
		Version: mapreduce.RecordVersion, Worker: k.id, Host: "host", At: k.w.date(),
		Slots: map[mapreduce.Class]int{class: k.w.config.Slots, mapreduce.IO: 1},
	}
	for _, seq := range k.running {
		m := k.w.queue.messages[seq]
		b.Running = append(b.Running, mapreduce.Running{
			Task: m.task.ID, Attempt: m.attempt, Receipt: receipt(seq), Progress: int64(k.w.now - m.since),
			Since: k.w.dateOf(m.since),
		})
	}
	k.w.result.Messages.Beats++
	k.w.leader.take(b)
}

// receipt is the ack subject of a delivery, as long as a server's.
func receipt(seq uint64) string {
	return fmt.Sprintf("$JS.ACK.JETREDUCE_TASKS.default-builtin.1.%d.%d.1790000000000000000.0", seq, seq)
}

// sequence is the message that a receipt names.
func sequence(receipt string) (seq uint64) {
	if _, err := fmt.Sscanf(receipt, "$JS.ACK.JETREDUCE_TASKS.default-builtin.1.%d.", &seq); err != nil {
		panic(fmt.Sprintf("receipt %q: %v", receipt, err))
	}
	return seq
}

// take begins an attempt.
func (k *worker) take(seq uint64) {
	m := k.w.queue.messages[seq]
	k.count++
	m.attempt, m.by, m.since = mapreduce.Attempt{Worker: k.id, N: k.count}, k, k.w.now
	m.until = k.w.now + onTheWay + k.w.duration(m.task.ID.Phase)
	k.running = append(k.running, seq)
	k.w.result.Messages.Tasks++
	k.w.after(m.until-k.w.now, finish, k, seq)
	switch {
	case k.w.now-k.beaten >= moment:
		k.beat()
	case !k.begun: // a moment after the last
		k.begun = true
		k.w.after(k.beaten+moment-k.w.now, beat, k, k.life|early)
	}
}

// early marks the alarm of a beat that the clock did not ask for.
const early = 1 << 63

// onFinish sends the commit of an attempt that has done its work. An attempt of another life has not.
func (k *worker) onFinish(seq uint64) {
	if m := k.w.queue.messages[seq]; m != nil && m.by == k && m.until == k.w.now {
		k.w.record(seq)
	}
}

// settle ends an attempt: its slot is free.
func (k *worker) settle(seq uint64, c mapreduce.Class) {
	if at := slices.Index(k.running, seq); at >= 0 {
		k.running = slices.Delete(k.running, at, at+1)
		k.wait(c)
	}
}
