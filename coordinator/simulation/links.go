package simulation

import (
	"errors"
	"slices"

	"jetreduce/coordinator"
	"jetreduce/mapreduce"
)

// link is the name of a result. Its version moves with each write.
type link struct {
	version uint64
	uid     mapreduce.UID // empty: it leads nowhere
}

// upload is input that the bus carries. One that no job names expires.
type upload struct{ kept, gone bool }

const uploadExpiry = 8 * 1e9 // of an upload that is not kept, in virtual time

func (w *world) link(id mapreduce.JobID) *link {
	if w.links[id] == nil {
		w.links[id] = &link{}
	}
	return w.links[id]
}

// linkOrUnlink carries out a stage of a link, and reports whether the command is one.
func (l *leader) linkOrUnlink(command coordinator.Command) bool {
	if l.forbidden(command) || l.unanswered(command) {
		return true
	}
	switch c := command.(type) {
	case linkRead:
		c.version = l.versionOf(c.Job)
	case linkConfirm:
		if errors.Is(l.w.bus.fence(l.epoch), mapreduce.ErrDeposed) && l.w.config.Bug != LinksUnfenced {
			l.deposed()
		}
	case linkWrite:
		l.linkTo(c)
	case unlinkMark:
		if at := l.w.link(c.Job); at.uid == "" || at.uid == c.UID {
			l.w.note("epoch %d: unlink %s from %s", l.epoch, c.Job, c.UID)
			at.uid = ""
			at.version++
		}
	case unlinkResult:
		l.w.bus.unwanted[c.UID] = true
		delete(l.w.bus.outputs, c.UID)
	default:
		return false
	}
	return true
}

// versionOf is the version of a link, as a replica knows it that may be behind.
func (l *leader) versionOf(id mapreduce.JobID) uint64 {
	version := l.w.link(id).version
	if version > 0 && l.w.chance(l.w.chaos.StaleReads) {
		l.w.tally.Stale++
		version--
	}
	return version
}

// unanswered reports whether a stage of a link or unlink was not answered. Then it has been carried out or not, and is asked
// for again.
func (l *leader) unanswered(command coordinator.Command) bool {
	switch c := command.(type) {
	case linkWrite:
		if !l.w.chance(l.w.chaos.LinkSilent) {
			return false
		}
		if at := l.w.link(c.Job); l.w.rng.IntN(2) == 0 && at.version == c.version {
			l.w.checkLink(c.Job, c.UID)
			at.uid, at.version = c.UID, at.version+1
		}
	case linkRead, unlinkMark, unlinkResult: // once more changes nothing
		if !l.w.chance(l.w.chaos.LinkSilent) {
			return false
		}
	default:
		return false
	}
	l.w.note("epoch %d: %T is not answered", l.epoch, command)
	l.commands = slices.Insert(l.commands, 0, command)
	return true
}

// forbidden reports whether the bucket of a result refuses a link or unlink for good.
func (l *leader) forbidden(command coordinator.Command) bool {
	switch c := command.(type) {
	case linkWrite:
		if l.w.fate(c.UID) == linkForbidden {
			l.followed = append(l.followed, mapreduce.Linked{UID: c.UID, Trouble: "the bucket takes nothing"})
			return true
		}
	case unlinkMark:
		return l.w.fate(c.UID) == unlinkForbidden
	case unlinkResult:
		return l.w.fate(c.UID) == unlinkForbidden
	}
	return false
}

// linking reports whether a command is one of the first two stages of a link, behind which a pause hurts most.
func linking(command coordinator.Command) bool {
	switch command.(type) {
	case linkRead, linkConfirm:
		return true
	}
	return false
}

// linkTo writes a link, if its version is still the one that was read. If not, it is looked at again: somebody else leads, one
// that was deposed has written late, or a replica was behind.
func (l *leader) linkTo(c linkWrite) {
	at := l.w.link(c.Job)
	switch {
	case at.uid == c.UID:
		l.followed = append(l.followed, mapreduce.Linked{UID: c.UID})
	case at.version != c.version && l.w.config.Bug != LinksUnfenced:
		l.w.note("epoch %d: link of %s was overtaken", l.epoch, c.Job)
		l.commands = append([]coordinator.Command{linkRead(c), linkConfirm(c), c}, l.commands...)
	default:
		l.w.note("epoch %d: link %s to %s", l.epoch, c.Job, c.UID)
		l.w.checkLink(c.Job, c.UID)
		at.uid = c.UID
		at.version++
		l.followed = append(l.followed, mapreduce.Linked{UID: c.UID})
	}
}

// uploading carries out a command about uploads, and reports whether it is one.
func (l *leader) uploading(command coordinator.Command) bool {
	switch c := command.(type) {
	case coordinator.MakeUpload:
		l.w.makeUpload(c.Upload)
		l.confirm(coordinator.Answer{Reply: c.Reply, Answer: mapreduce.Answer{Upload: c.Upload}})
	case coordinator.KeepUploads:
		for _, name := range c.Uploads {
			l.keep(c.UID, name)
		}
	case coordinator.DropUploads: // by one that makes sure that it leads
		if errors.Is(l.w.bus.fence(l.epoch), mapreduce.ErrDeposed) {
			l.deposed()
			return true
		}
		for _, name := range c.Uploads {
			l.checkDropUpload(name)
			if u := l.w.uploads[name]; u != nil {
				u.gone = true
			}
		}
	default:
		return false
	}
	return true
}

func (w *world) makeUpload(name string) {
	if w.uploads[name] != nil {
		return
	}
	u := &upload{}
	w.uploads[name] = u
	w.after(uploadExpiry, func() { u.gone = u.gone || !u.kept && w.config.Bug != EndlessUploads })
}

func (l *leader) keep(uid mapreduce.UID, name string) {
	u := l.w.uploads[name]
	if u == nil || u.gone {
		l.w.note("epoch %d: upload %s of %s is gone", l.epoch, name, uid)
		l.w.bus.refused[uid], l.w.bus.excuse[uid] = true, "upload"
		l.followed = append(l.followed, mapreduce.Refused{UID: uid, Reason: "upload " + name + " expired"})
		return
	}
	u.kept = true
}

// checkDropUpload checks that nobody needs an upload that is dropped: no job that runs, or that may be retried.
func (l *leader) checkDropUpload(name string) {
	if u := l.w.uploads[name]; u == nil || u.gone {
		return
	}
	if uid := l.w.needs(name); uid != "" {
		l.w.violate("upload %s is dropped, %s (%s) needs it", name, uid, l.w.bus.states[uid].State)
	}
}

// needs is a job that needs an upload, or none.
func (w *world) needs(name string) mapreduce.UID {
	for _, uid := range w.bus.uids {
		state := w.bus.states[uid].State
		if state != mapreduce.Done && state != mapreduce.Removed && slices.Contains(w.bus.specs[uid].Uploads(), name) {
			return uid
		}
	}
	return ""
}

// carried reports whether all input that the bus carries for a job is there.
func (w *world) carried(uid mapreduce.UID) bool {
	return !slices.ContainsFunc(w.bus.specs[uid].Uploads(), func(name string) bool {
		return w.uploads[name] == nil || w.uploads[name].gone
	})
}

// checkLink checks that a link never leads to a job that has not ended well, or is followed by another.
func (w *world) checkLink(id mapreduce.JobID, uid mapreduce.UID) {
	state := w.bus.states[uid].State
	_, published := w.bus.outputs[uid]
	switch {
	case state == mapreduce.Removed || state == mapreduce.Failed || state == mapreduce.Cancelled:
		w.violate("%s is linked to %s, which is %s", id, uid, state)
	case w.bus.decided[uid].State != mapreduce.Done || !published:
		w.violate("%s is linked to %s: decided is %q, its result is there: %t", id, uid, w.bus.decided[uid].State, published)
	}
}
