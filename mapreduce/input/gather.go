package input

// extent is a range of a source: its number in the plan's list, offset, length.
type extent = [3]int64

const (
	maxPieces    = 500       // small files in one split
	maxSplitCost = 200 << 10 // bytes of a chunk that holds a single split
)

// gatherer gathers small files into splits, in order: a split is full when it holds size bytes or maxPieces files, or when
// another name would make its chunk too large.
type gatherer struct {
	files []listed
	size  int64
	emit  func(split []extent) error // must not keep split

	open []extent
	room int64
	cost int
}

func newGatherer(files []listed, size int64, emit func([]extent) error) *gatherer {
	return &gatherer{files: files, size: size, emit: emit, room: size, cost: chunkCost + splitCost}
}

// all goes through the files: small ones are gathered, big ones left to big, between flushed splits so that the order of
// the input holds. A source that is whole and empty is of unknown size, and may be big.
func (p *gatherer) all(big func(n int) error) error {
	for n, file := range p.files {
		if file.Size < p.size && (file.Size > 0 || !file.Whole) {
			if err := p.add(n); err != nil {
				return err
			}
			continue
		}
		if err := p.flush(); err != nil {
			return err
		}
		if err := big(n); err != nil {
			return err
		}
	}
	return p.flush()
}

// add takes a small file whole; an empty one has no records and needs no task.
func (p *gatherer) add(n int) error {
	file := p.files[n]
	if file.Size == 0 {
		return nil
	}
	piece := extent{int64(n), 0, file.Size}
	cost := file.cost + pieceCost(piece)
	if p.cost+cost > maxSplitCost {
		if err := p.flush(); err != nil {
			return err
		}
	}
	p.open = append(p.open, piece)
	p.room -= file.Size
	p.cost += cost
	if p.room <= 0 || len(p.open) == maxPieces {
		return p.flush()
	}
	return nil
}

// flush ends the open split, if it holds anything.
func (p *gatherer) flush() error {
	if len(p.open) == 0 {
		return nil
	}
	err := p.emit(p.open)
	p.open, p.room, p.cost = p.open[:0], p.size, chunkCost+splitCost
	return err
}
