package simulation

import "jetreduce/mapreduce"

// lane is the runs that stand on a lane.
type lane struct {
	runs []run
	away bool // with its only server: it is known by name, and neither read nor written
}

type run struct {
	runKey
	bag bag
}

// runKey names a run. The same run published twice is one.
type runKey struct {
	task    int // map: split; reduce: partition
	attempt mapreduce.Attempt
}

func (l *lane) find(key runKey) (bag, bool) {
	if l != nil && !l.away {
		for _, r := range l.runs {
			if r.runKey == key {
				return r.bag, true
			}
		}
	}
	return bag{}, false
}

func (l *lane) put(key runKey, b bag) {
	if _, there := l.find(key); !there {
		l.runs = append(l.runs, run{key, b})
	}
}

func (l *lane) drop(key runKey) {
	for i, r := range l.runs {
		if r.runKey == key {
			l.runs = append(l.runs[:i:i], l.runs[i+1:]...)
			return
		}
	}
}

// addLane makes a lane unless it is there, and reports whether it can be reached.
func (w *world) addLane(of mapreduce.Lane) bool {
	if l, there := w.lanes[of]; there {
		return !l.away
	}
	w.lanes[of] = &lane{}
	w.made = append(w.made, of)
	return true
}

// decay loses runs: the tail of a lane, as a lazy disk does, any of them, or the whole lane with its server.
func (w *world) decay() bool {
	for range 4 {
		if len(w.made) == 0 || !w.chance(w.chaos.RunsLost) {
			continue
		}
		of := w.made[w.rng.IntN(len(w.made))]
		if l, there := w.lanes[of]; there && !l.away {
			w.lose(of, l)
		}
	}
	return w.now < w.config.Until
}

func (w *world) lose(of mapreduce.Lane, l *lane) {
	w.bus.lossy[of.UID] = true
	w.tally.Vanished++
	switch w.rng.IntN(3) {
	case 0:
		w.note("lane %s is lost", of)
		delete(w.lanes, of)
		return
	case 1:
		l.runs = l.runs[:w.rng.IntN(len(l.runs)+1)]
	default:
		var kept []run
		for _, r := range l.runs {
			if w.rng.IntN(3) > 0 {
				kept = append(kept, r)
			}
		}
		l.runs = kept
	}
	w.note("runs of lane %s are lost: %d are left", of, len(l.runs))
}
