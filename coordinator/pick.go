package coordinator

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"jetreduce/mapreduce"
)

// A timeline shows attempts by interest. Each kind has a share of the room, and what one does not need the next may have:
//
//	1  failed, lost, beaten, speculative     an even part, if they are too many
//	2  running                               those that run longest
//	3  the slowest, and plan and finish      stragglers first
//	4  all others                            an even part

// interest is the attempts of one kind, the most interesting first.
type interest struct {
	share int // of the room
	even  bool
	all   []mapreduce.AttemptTime
}

// fill puts attempts into a timeline, as many as it and its message have room for, and counts the others.
func (s *State) fill(t *mapreduce.Timeline, j *job, running []mapreduce.Running) {
	kinds := s.interests(j, running)
	budget := mapreduce.MaxMessage - slack - jsonSize(t)
	for room := mapreduce.MaxTimeline; ; room -= room/8 + 1 {
		t.Attempts = choose(kinds, max(0, room))
		if room <= 0 || abridged(t.Attempts) <= budget {
			break
		}
	}
	slices.SortStableFunc(t.Attempts, func(a, b mapreduce.AttemptTime) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Task.Phase, b.Task.Phase), a.Task.N-b.Task.N,
			cmp.Compare(a.Attempt.Worker, b.Attempt.Worker), cmp.Compare(a.Attempt.N, b.Attempt.N))
	})
	t.Hidden = len(running) - len(t.Attempts)
	for _, of := range j.charted().courses {
		t.Hidden += of.committed + of.failed + of.lost + of.beaten - of.revived
	}
}

// slack is left free in a message, for the digits of what is counted last.
const slack = 256

// interests is what is known of single attempts.
func (s *State) interests(j *job, running []mapreduce.Running) []interest {
	const most = mapreduce.MaxTimeline
	odd, runs := interest{share: most * 3 / 10, even: true}, interest{share: most * 3 / 10}
	slow, usual := interest{share: most * 2 / 10}, interest{share: most, even: true}
	limits := map[mapreduce.Phase]time.Duration{}
	for _, p := range phaseOrder() {
		of := j.charted().course(p)
		limits[p] = s.straggles(j, p)
		odd.all = appendTrials(odd.all, j, p, of.odd.kept, limits[p])
		slow.all = appendTrials(slow.all, j, p, of.slowest.kept, limits[p])
		usual.all = appendTrials(usual.all, j, p, of.usual.kept, limits[p])
	}
	for _, r := range running {
		limit := limits[r.Task.Phase]
		runs.all = append(runs.all, mapreduce.AttemptTime{
			AttemptRef: mapreduce.AttemptRef{Task: r.Task, Attempt: r.Attempt}, Outcome: mapreduce.OutcomeRunning,
			Began: milliseconds(r.Since), Speculative: r.Speculative, Straggler: limit > 0 && s.elapsed(r) > limit,
		})
	}
	slices.SortStableFunc(runs.all, func(a, b mapreduce.AttemptTime) int { return a.Began.Compare(b.Began) })
	slices.SortStableFunc(slow.all, slower)
	return []interest{odd, runs, slow, usual}
}

// elapsed is how long an attempt has run, by the clock of its worker and the time since that was heard.
func (s *State) elapsed(r mapreduce.Running) time.Duration {
	if m := s.workers[r.Attempt.Worker]; m != nil {
		return m.elapsed(r, s.now)
	}
	return 0
}

// slower has the only attempts of a job's ends first, then stragglers, then who took longer.
func slower(a, b mapreduce.AttemptTime) int {
	rank := func(t mapreduce.AttemptTime) int {
		switch {
		case t.Task.Phase == mapreduce.Plan || t.Task.Phase == mapreduce.Finish:
			return 0
		case t.Straggler:
			return 1
		}
		return 2
	}
	return cmp.Or(rank(a)-rank(b), cmp.Compare(b.Ended.Sub(b.Began), a.Ended.Sub(a.Began)))
}

func appendTrials(to []mapreduce.AttemptTime, j *job, p mapreduce.Phase, trials []trial, limit time.Duration) []mapreduce.AttemptTime {
	for _, t := range trials {
		to = append(to, mapreduce.AttemptTime{
			AttemptRef: t.ref(j.uid, p), Outcome: t.outcome, Began: milliseconds(t.ended.Add(-t.took)), Ended: milliseconds(t.ended),
			Speculative: t.speculative, Straggler: limit > 0 && t.took > limit, Reason: t.reason,
		})
	}
	return to
}

// choose picks so many attempts.
func choose(kinds []interest, room int) (chosen []mapreduce.AttemptTime) {
	counts, left := make([]int, len(kinds)), room
	for i, k := range kinds {
		counts[i] = min(len(k.all), k.share*room/mapreduce.MaxTimeline, left)
		left -= counts[i]
	}
	for i, k := range kinds {
		more := min(len(k.all)-counts[i], left)
		counts[i], left = counts[i]+more, left-more
	}
	for i, k := range kinds {
		chosen = append(chosen, k.pick(counts[i])...)
	}
	return chosen
}

// pick is n attempts of a kind: the first, or an even part.
func (k interest) pick(n int) []mapreduce.AttemptTime {
	if !k.even || n == len(k.all) {
		return k.all[:n]
	}
	picked := make([]mapreduce.AttemptTime, 0, n)
	for i := range n {
		picked = append(picked, k.all[i*len(k.all)/n])
	}
	return picked
}

// Bounds of reasons: of all together, and of each when they are many, in bytes, of JSON.
const (
	maxReasons  = 64 << 10
	leastReason = 60
)

// abridged shortens the reasons of attempts, the more the more they are, and returns how many bytes all take as JSON, at most.
func abridged(attempts []mapreduce.AttemptTime) (size int) {
	reasons := 0
	for _, a := range attempts {
		reasons += min(1, len(a.Reason))
	}
	most := max(leastReason, min(maxReason, maxReasons/max(1, reasons)))
	for i, a := range attempts {
		size += attemptSize + len(a.Task.UID) + len(a.Attempt.Worker)
		if a.Reason != "" {
			attempts[i].Reason = mapreduce.Abridge(a.Reason, len(a.Reason)*most/max(most, jsonSize(a.Reason)))
			size += jsonSize(attempts[i].Reason)
		}
	}
	return size
}

// attemptSize is how many bytes an attempt takes as JSON, without its names and its reason.
const attemptSize = len(`{"task":".finish.1000000.4294967295","attempt":"-4294967295","outcome":"committed",` +
	`"began":"2026-01-02T03:04:05.123Z","ended":"2026-01-02T03:04:05.123Z","speculative":true,"straggler":true,"reason":},`)

// jsonSize is how many bytes a value takes as JSON.
func jsonSize(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		return mapreduce.MaxMessage // ours can always be written; a time that none has cannot: then there is no room for more
	}
	return len(text)
}
