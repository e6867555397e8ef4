package shuffle

import "context"

// spill is a sorted stretch of records in the scratch file, partition by partition. The file has records as a run's body
// has them (see Version), without headers: nobody else reads it, and it does not outlive the process.
//
//	file   partition 0 │ 1 │ 2 ║ partition 0 │ 1 │ 2 ║ …
//	       start     ends      start
type spill struct {
	scratch *scratch
	start   int64
	ends    []int64 // of each partition
	largest int     // bytes of a record that does not fit into what is read at a time; 0: none
	buf     []byte  // for reading
}

func (s *spill) partition(p int) stream {
	from := s.start
	if p > 0 {
		from = s.ends[p-1]
	}
	if from == s.ends[p] {
		return nil
	}
	return s.scratch.section(from, s.ends[p], s.buf)
}

// sorted is a source of sorted partitions: a spill or the index over memory.
type sorted interface {
	partition(p int) stream // nil when empty
}

// spill moves what is in memory to the scratch file, and keeps the memory for what comes.
func (s *Sorter) spill() {
	m, _ := s.memory()
	if err := s.arrange(m); err != nil {
		s.fail(err)
		return
	}
	made, err := s.write(context.Background(), []sorted{&s.index})
	if err != nil {
		s.fail(err)
		return
	}
	s.spills = append(s.spills, made)
	m.reset()
}

// write merges sources into a new spill.
func (s *Sorter) write(ctx context.Context, sources []sorted) (spill, error) {
	out := &appender{scratch: &s.scratch, buf: make([]byte, 0, s.readSize()), alive: ctx.Err}
	made := spill{scratch: &s.scratch, start: s.scratch.size}
	for p := range s.config.Partitions {
		if err := s.merge(p, sources, out.put); err != nil {
			return spill{}, err
		}
		made.ends = append(made.ends, out.offset())
	}
	made.largest = out.largest
	return made, out.flush()
}

// merge puts the records of one partition, those of earlier sources first among equal keys, and folds where there is
// something to fold.
func (s *Sorter) merge(p int, sources []sorted, put put) error {
	var streams []stream
	for _, source := range sources {
		if opened := source.partition(p); opened != nil {
			streams = append(streams, opened)
		}
	}
	t, err := newTree(streams)
	if err != nil {
		return err
	}
	if s.config.Combiner == nil || s.table != nil && len(streams) == 1 {
		return drain(t, put)
	}
	f := fold{combiner: s.config.Combiner, put: put}
	if err := drain(t, f.add); err != nil {
		return err
	}
	return f.flush()
}

func drain(t *tree, put put) error {
	for top := t.top(); top != nil; top = t.top() {
		if err := put(top.key, top.value); err != nil {
			return err
		}
		if err := t.advance(); err != nil {
			return err
		}
	}
	return nil
}

// readSize is the buffer of one spill while merging: an eighth of what merging may take, within what disks like.
func (s *Sorter) readSize() int { return int(min(max(s.config.Memory/64, 4<<10), 64<<10)) }

// groups are neighbouring spills that may be merged at a time, within the eighth of the memory that is for that, two at least. Each
// takes what is read of it at a time, and a whole record where that is larger.
func (s *Sorter) groups() (groups [][]spill) {
	for rest := s.spills; len(rest) > 0; {
		n, cost := 0, int64(0)
		for ; n < len(rest); n++ {
			cost += int64(s.readSize() + rest[n].largest)
			if n >= 2 && cost > s.config.Memory/8 {
				break
			}
		}
		groups, rest = append(groups, rest[:n]), rest[n:]
	}
	return groups
}

// narrow merges neighbouring spills until all that is left can be merged at once. Neighbours, so that position order
// stays.
func (s *Sorter) narrow(ctx context.Context) error {
	for groups := s.groups(); len(groups) > 1; groups = s.groups() {
		var fewer []spill
		for _, group := range groups {
			made := group[0]
			if len(group) > 1 {
				var err error
				if made, err = s.write(ctx, s.open(group)); err != nil {
					return err
				}
			}
			fewer = append(fewer, made)
		}
		s.spills = fewer
	}
	return nil
}

// open gives each spill the memory to be read.
func (s *Sorter) open(spills []spill) []sorted {
	sources := make([]sorted, len(spills))
	for i := range spills {
		spills[i].buf = make([]byte, s.readSize())
		sources[i] = &spills[i]
	}
	return sources
}
