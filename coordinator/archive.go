package coordinator

import (
	"context"
	"time"

	"jetreduce/mapreduce"
)

// archive has it kept how the tasks of a job went, before that is forgotten. It is a picture and no state: when it is lost, or when a
// leader that is deposed writes its own of the same job much later, nothing else changes. It goes with the job that is removed.
func (s *State) archive(j *job) {
	switch {
	case j.state == mapreduce.Removed:
		s.do(DropTimeline{j.uid})
	case j.phases != nil:
		s.do(KeepTimeline{*s.timeline(j)})
	}
}

// archiveAgain is for how long an archive is left alone that has refused, or not answered: jobs may end by the hundred, and each would wait
// for it.
const archiveAgain = time.Minute

// remember carries out a command about the archive. That it cannot be done is not worth a leadership, and hardly a wait.
func (l *leader) remember(ctx context.Context, command Command) error {
	if l.now().Before(l.mute) {
		return nil
	}
	var err error
	switch c := command.(type) {
	case KeepTimeline:
		err = l.Archive.KeepTimeline(ctx, c.Timeline)
	case DropTimeline:
		err = l.Archive.DropTimeline(ctx, c.UID)
	}
	if err != nil && ctx.Err() == nil {
		l.mute = l.now().Add(archiveAgain)
		l.log.Warn("how jobs went is not kept for a while", "for", archiveAgain, "cause", err)
	}
	return ctx.Err()
}
