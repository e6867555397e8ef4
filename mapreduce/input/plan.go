package input

import (
	"context"
	"errors"

	"jetreduce/mapreduce"
)

// PlanConfig says how inputs are cut.
type PlanConfig struct {
	Reach

	Records   mapreduce.Records // what a record is
	SplitSize int64             // bytes a split holds about, from 1; 0: chosen for the work
	Blob      int               // characters; 0: splits are records, else mapreduce.BlobsOfSplit blobs of the original system, of one file
	Slots     int               // how many maps run at a time, roughly; 0: 1
	MaxSplits int               // more are refused; 0: mapreduce.MaxSplits

	// Store keeps a chunk of the plan; required. It gets the chunks in order, each once, and may keep what it gets. A plan
	// that ends with an error has stored chunks that count for nothing.
	Store func(mapreduce.PlanChunk) error
}

// Plan lists the inputs (paths, directories, globs, file URLs, URLs of the schemes) and cuts them into splits: big files at record borders,
// small ones gathered; what is to be read whole is not cut. Empty files count as inputs and give no splits.
//
// Its errors name the input. They are permanent (mapreduce.IsPermanent) where another attempt would find the same, and
// wrap mapreduce.ErrInputChanged for a file that does not hold still, and
// mapreduce.ErrAbsent for one that is not here.
func Plan(ctx context.Context, inputs []string, cfg PlanConfig) (mapreduce.PlanSummary, error) {
	if cfg.Store == nil {
		return mapreduce.PlanSummary{}, errors.New("plan input: no place to store the plan")
	}
	if cfg.SplitSize < 0 {
		return mapreduce.PlanSummary{}, mapreduce.Permanentf("split size %d: use 1 or more", cfg.SplitSize)
	}
	files, err := listFor(ctx, inputs, &cfg)
	if err != nil {
		return mapreduce.PlanSummary{}, err
	}
	if cfg.MaxSplits <= 0 {
		cfg.MaxSplits = mapreduce.MaxSplits
	}
	if cfg.SplitSize == 0 {
		cfg.SplitSize = chosenSize(files, cfg.Slots, cfg.MaxSplits)
	}
	p := newPlanner(files, cfg)
	if err := p.run(ctx); err != nil {
		return mapreduce.PlanSummary{}, err
	}
	return p.chunks.summary, nil
}

// listFor lists the inputs, and makes sure that they can be cut as asked for.
func listFor(ctx context.Context, inputs []string, cfg *PlanConfig) (files []listed, err error) {
	if cfg.Records, err = parse(cfg.Records); err != nil {
		return nil, err
	}
	if cfg.Blob > 0 && cfg.Records != mapreduce.Lines {
		return nil, mapreduce.Permanentf("records %s in blobs: leave one of them out", cfg.Records)
	}
	if files, err = list(ctx, inputs, lister{reach: cfg.Reach, size: cfg.SplitSize}); err != nil {
		return nil, err
	}
	for i := range files {
		if err := files[i].prepare(*cfg); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func parse(records mapreduce.Records) (mapreduce.Records, error) {
	parsed, err := mapreduce.ParseRecords(string(records))
	return parsed, mapreduce.Permanent(err)
}

// planner is one plan in the making: files are gathered or cut, splits go through a packer into chunks.
type planner struct {
	files  []listed
	cfg    PlanConfig
	splits int     // so far
	packs  *packer // nil: each split is a task's
	chunks *chunker
	block  []byte // to look for borders in
}

func newPlanner(files []listed, cfg PlanConfig) *planner {
	p := &planner{files: files, cfg: cfg, chunks: newChunker(files, cfg.Store), block: make([]byte, blockSize)}
	// Where a split of blobs stands in its file is told by its number.
	if cfg.Blob == 0 && packOf(atMost(files, cfg.SplitSize), cfg.SplitSize, cfg.Slots) > 1 {
		p.packs = &packer{files: files, emit: p.chunks.add}
	}
	return p
}

func (p *planner) run(ctx context.Context) error {
	if err := p.split(ctx); err != nil {
		return err
	}
	return p.flush(ctx, packOf(int64(p.splits), p.cfg.SplitSize, p.cfg.Slots))
}

// split gathers and cuts the files.
func (p *planner) split(ctx context.Context) error {
	if p.cfg.Blob > 0 {
		return p.splitBlobs(ctx)
	}
	add := func(split []extent) error { return p.add(ctx, split) }
	small := newGatherer(p.files, p.cfg.SplitSize, add)
	return small.all(func(n int) error { return p.cut(ctx, n) })
}

// flush ends the plan, with so many splits in a pack.
func (p *planner) flush(ctx context.Context, most int) error {
	if p.packs != nil {
		if err := p.packs.flush(ctx, most); err != nil {
			return err
		}
	}
	return p.chunks.flush()
}

func (p *planner) add(ctx context.Context, split []extent) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.splits >= p.cfg.MaxSplits {
		return tooMany(p.files, p.cfg.SplitSize, p.cfg.MaxSplits)
	}
	p.splits++
	if p.packs != nil {
		return p.packs.add(split)
	}
	return p.chunks.add(split)
}

// splitBlobs cuts each file into blobs.
func (p *planner) splitBlobs(ctx context.Context) error {
	for n := range p.files {
		if err := p.cut(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// cut cuts file number n.
func (p *planner) cut(ctx context.Context, n int) error {
	emit := func(offset, length int64) error { return p.add(ctx, []extent{{int64(n), offset, length}}) }
	file := p.files[n]
	if file.entire {
		return emit(0, file.Size)
	}
	source, err := openPlanned(ctx, file.Source, p.cfg.Reach)
	if err != nil {
		return err
	}
	if p.cfg.Blob > 0 {
		err = cutBlobs(ctx, source, p.block, p.cfg.Blob, emit)
	} else {
		c := cutter{end: file.Size, size: p.cfg.SplitSize, border: bordersOf(source, p.cfg.Records, p.block)}
		err = c.cut(ctx, emit)
	}
	return errors.Join(err, source.close())
}
