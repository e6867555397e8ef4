package output

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"jetreduce/mapreduce"
)

// Parts is a directory in the making, with one file a partition: nobody sees it before Publish. Until then it is a hidden directory beside
// the target, which a killed process leaves behind; a later one for the same target removes that, once it can be sure that nobody writes
// there.
//
//	.NAME.jetreduce-0123456789abcdef/          ── Publish ─▶   NAME/
//	    _SUCCESS     empty and locked                              _SUCCESS     what there is: see manifest
//	    part-00000   one after the other                           part-00000 …
//
// It is not safe for concurrent use. Publish or Discard ends it.
type Parts struct {
	*dirSpot
	force   bool
	format  Format
	codec   mapreduce.Codec
	hidden  string   // in the parent
	dir     *os.Root // nil: ended
	success *os.File
	packer  packer
	rows    *Rows
	part    *part // under way, or nil
	syncs   errgroup.Group
	listed  manifest
	text    []byte // of the manifest; nil: not sealed
	err     error  // the first one: what was lost must not be published
	placed  bool   // it stands at the target, perhaps not yet for good
	done    bool   // published
}

// MaxParts is how many parts a directory may have: more are a burden for whoever lists it.
const MaxParts = 100_000

// PartsConfig says what a directory is for.
type PartsConfig struct {
	Root   string // under which it must lie, as NewDraftUnder says; "": anywhere
	Target mapreduce.Target
	Parts  int // so many there will be
}

// NewParts begins the directory of a target. What is there already is no error yet, unless it is what must not even be replaced: it may be
// this very output, published by another attempt.
func NewParts(config PartsConfig) (*Parts, error) {
	if config.Parts > MaxParts {
		return nil, mapreduce.Permanentf("output %s: %d parts, %d at most: ask for fewer reduces, or, where each map makes a part, "+
			"for larger splits", config.Target.To, config.Parts, MaxParts)
	}
	p, err := prepareParts(config.Root, config.Target)
	if err != nil {
		return nil, err
	}
	p.RowsOf(mapreduce.Program{})
	p.sweep() // first: it may make room
	if err := p.begin(); err != nil {
		return nil, errors.Join(err, p.Discard())
	}
	return p, nil
}

// prepareParts finds out where a directory goes, and makes nothing.
func prepareParts(root string, target mapreduce.Target) (*Parts, error) {
	format, err := ParseFormat(target.Format)
	if err != nil {
		return nil, mapreduce.Permanent(err)
	}
	codec, err := target.Packing()
	if err != nil {
		return nil, err
	}
	packer, err := newPacker(codec)
	if err != nil {
		return nil, err
	}
	spot, err := dirSpotUnder(root, target)
	if err != nil {
		return nil, err
	}
	p := &Parts{dirSpot: spot, force: target.Force, format: format, codec: codec, packer: packer, hidden: spot.newHidden()}
	p.syncs.SetLimit(maxSyncs)
	return p, nil
}

// maxSyncs is how many parts may be on their way to the disk at a time: file systems sync several at the price of one.
const maxSyncs = 8

// begin makes the hidden directory. Its lock tells others that it is no leftover; whoever looked before there was one may have taken it for
// such, and another is made.
func (p *Parts) begin() error {
	for try := 1; ; try++ {
		err := p.mkdir()
		if !errors.Is(err, errSwept) || try == maxTries {
			return err
		}
		if err := errors.Join(p.success.Close(), p.dir.Close()); err != nil {
			return fmt.Errorf("write %s: %w", p.path, cause(err))
		}
		p.success, p.dir, p.hidden = nil, nil, p.newHidden()
	}
}

const maxTries = 20

var errSwept = errors.New("others take it for what a killed process has left: try again")

func (p *Parts) mkdir() error {
	if err := p.parent.Mkdir(p.hidden, 0o777); err != nil {
		return fmt.Errorf("write %s: choose another directory, %s takes none: %w", p.path, filepath.Dir(p.path), cause(err))
	}
	var err error
	if p.dir, err = p.parent.OpenRoot(p.hidden); err == nil {
		p.success, err = p.dir.OpenFile(successName, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.path, cause(err))
	}
	// Where there are no locks nobody takes this one for a leftover either.
	taken := held(lock(p.success))
	if _, gone := p.parent.Lstat(filepath.Join(p.hidden, successName)); taken || gone != nil {
		return fmt.Errorf("write %s: %w", p.path, errSwept)
	}
	return nil
}

// RowsOf says whose rows they are. It is called before there are any.
func (p *Parts) RowsOf(program mapreduce.Program) { p.rows = NewRows(p.packer, p.format, program) }

// Next begins the next part: rows that follow are its.
func (p *Parts) Next() error {
	if err := p.end(); err != nil {
		return err
	}
	name := partName(len(p.listed.Parts), p.codec)
	file, err := p.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return p.fail(name, err)
	}
	p.part = &part{Part{Name: name}, file, xxh3.New()}
	p.packer.Reset(p.part)
	return nil
}

// Row writes a row into the part under way.
func (p *Parts) Row(key, value []byte) error {
	if p.err != nil || p.part == nil {
		return errors.Join(p.err, errNoPart(p.part == nil))
	}
	if err := p.rows.Row(key, value); err != nil {
		return p.fail(p.part.Name, err)
	}
	return nil
}

func errNoPart(none bool) error {
	if none {
		return errors.New("a row without a part")
	}
	return nil
}

// Count is the number of rows written.
func (p *Parts) Count() int64 { return p.rows.Count() }

// Size is the number of bytes in all parts that have ended.
func (p *Parts) Size() (size int64) {
	for _, part := range p.listed.Parts {
		size += part.Bytes
	}
	return size
}

// end ends the part under way. It goes to the disk while the next is written.
func (p *Parts) end() error {
	if p.err != nil || p.part == nil {
		return p.err
	}
	part := p.part
	rows, err := p.rows.ended()
	if err = errors.Join(err, p.packer.Close()); err != nil {
		return p.fail(part.Name, err)
	}
	p.part = nil
	part.Rows, part.Digest = rows, mapreduce.Digest(part.hash.Sum64())
	p.listed.Parts = append(p.listed.Parts, part.Part)
	p.syncs.Go(func() error { return errors.Join(cause(part.file.Sync()), cause(part.file.Close())) })
	return nil
}

// fail notes the first error: such a directory can only be discarded.
func (p *Parts) fail(name string, err error) error {
	if p.err == nil {
		p.err = fmt.Errorf("write %s/%s: %w", p.path, name, cause(err))
	}
	return p.err
}

// part is a part under way.
type part struct {
	Part
	file *os.File
	hash *xxh3.Hasher
}

func (p *part) Write(text []byte) (int, error) {
	n, err := p.file.Write(text)
	_, _ = p.hash.Write(text[:n]) // never fails
	p.Bytes += int64(n)
	return n, err
}
