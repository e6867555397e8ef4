package simulation

import (
	"slices"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// What takes several requests to the bus is carried out in stages, between which the leader may end or be paused.
type (
	linkRead     struct{ *aim }
	linkConfirm  struct{ *aim }
	linkWrite    struct{ *aim }
	unlinkMark   struct{ coordinator.Unlink }
	unlinkResult struct{ coordinator.Unlink }
	forgetTasks  struct{ coordinator.Forget }
	forgetPlans  struct{ coordinator.Forget }
	forgetState  struct {
		coordinator.Forget
		part int // 0 or 1: every other record
	}
)

// aim is a link on its way.
type aim struct {
	coordinator.Link
	version uint64
}

// staged takes commands apart.
func (w *world) staged(commands []coordinator.Command) []coordinator.Command {
	var stages []coordinator.Command
	for _, command := range commands {
		switch c := command.(type) {
		case coordinator.Link:
			l := &aim{Link: c}
			stages = append(stages, linkRead{l}, linkConfirm{l}, linkWrite{l})
		case coordinator.Unlink:
			stages = append(stages, unlinkMark{c}, unlinkResult{c})
		case coordinator.Forget:
			parts := []coordinator.Command{forgetTasks{c}, forgetPlans{c}}
			if c.Whole {
				parts = append(parts, forgetState{c, 0}, forgetState{c, 1})
			}
			w.rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			stages = append(stages, parts...)
		case coordinator.CloseQueue:
			stages = append(stages, closeConfirm{c}, closeDrop{c})
		case coordinator.Erase:
			stages = append(stages, eraseConfirm{c}, eraseTasks{c}, eraseState{c})
		default:
			stages = append(stages, command)
		}
	}
	return stages
}

// forget carries out a part of a Forget, and reports whether the command is one.
func (b *bus) forget(command coordinator.Command) bool {
	switch c := command.(type) {
	case forgetTasks:
		b.forgetTasks(c.UID, c.Whole)
	case forgetPlans:
		for key := range b.plans {
			if key.uid == c.UID {
				delete(b.plans, key)
			}
		}
	case forgetState:
		b.forgetState(c.UID, c.part)
	default:
		return false
	}
	return true
}

// forgetTasks removes commits and failures; finish and its decision stay until the job is removed. The end stays for
// ever: an attempt that comes late must find that the job is over.
func (b *bus) forgetTasks(uid mapreduce.UID, whole bool) {
	b.w.checkForget(uid, whole)
	b.owned[uid] = slices.DeleteFunc(b.owned[uid], func(index int) bool {
		var task mapreduce.TaskID
		switch e := b.log[index].event.(type) {
		case mapreduce.Commit:
			task = e.Task
		case mapreduce.Failure:
			task = e.Task
		case mapreduce.End:
			if !whole || b.w.config.Bug != ForgetsEnds {
				return false
			}
			delete(b.ends, uid)
		}
		if task.Phase == mapreduce.Finish && !whole {
			return false
		}
		b.log[index].gone = true
		b.drop(b.log[index].event)
		return true
	})
}

// drop takes a record out of the bucket.
func (b *bus) drop(event mapreduce.Event) {
	switch e := event.(type) {
	case mapreduce.Commit:
		delete(b.commits, e.Task)
		delete(b.places, e.Task)
	case mapreduce.Failure:
		delete(b.failures, failureKey{e.Task, e.Attempt})
	}
}

// forgetState removes every other state record, but the one that says that the job is removed.
func (b *bus) forgetState(uid mapreduce.UID, part int) {
	for i := range b.records {
		r := &b.records[i]
		keeps := r.Repair == nil && r.Quarantine == nil && r.State == mapreduce.Removed && b.w.config.Bug != ForgetsTombstones
		if r.UID == uid && i%2 == part && !keeps {
			r.gone = true
		}
	}
}

// leftovers names something that is left of a removed job.
func (b *bus) leftovers(uid mapreduce.UID) string {
	for _, index := range b.owned[uid] {
		if _, end := b.log[index].event.(mapreduce.End); !end {
			return "a record of a task"
		}
	}
	tombstones := 0
	for _, r := range b.records {
		switch {
		case r.UID != uid || r.gone:
		case r.State == mapreduce.Removed && r.Repair == nil && r.Quarantine == nil && r.Swept:
			tombstones++
		default:
			return "the record that it is " + string(r.State)
		}
	}
	_, published := b.outputs[uid]
	switch {
	case tombstones != 1:
		return "no tombstone, which it should have"
	case published && b.specs[uid].Output.OnBus() && b.w.fate(uid) != unlinkForbidden:
		return "its result"
	}
	return ""
}
