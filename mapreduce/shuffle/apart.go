package shuffle

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Apart hands over the records of each run by itself instead of merging them: run after run in the order of tasks, each in its own order,
// with keys as they travel. Begin is called before the records of each run that is wanted, also of one that has none. Key and value stand
// during the call; an error of either ends Apart. The collector is closed then, whether it worked or not. But when runs are not all there
// nothing is handed over: the error wraps mapreduce.ErrRunsLost and names tasks, and more chunks can be added.
func (c *Collector) Apart(ctx context.Context, begin func(task int) error, yield func(key, value []byte) error) error {
	if c.err != nil {
		return c.err
	}
	if !c.Complete() {
		return c.missing()
	}
	return errors.Join(c.apart(ctx, begin, yield), c.Close())
}

func (c *Collector) apart(ctx context.Context, begin func(task int) error, yield func(key, value []byte) error) error {
	for task := range c.runs {
		if !c.wants(task) {
			continue
		}
		if err := begin(task); err != nil {
			return err
		}
		in := c.runs[task].source(RunOwner{task, c.config.Roster[task]}, c.scratch).open()
		c.runs[task].chunks = nil // what the reader has read can go
		if err := each(ctx, in, yield); err != nil {
			return err
		}
	}
	return nil
}

// each hands over the records of one stream.
func each(ctx context.Context, in stream, yield func(key, value []byte) error) error {
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return fmt.Errorf("read runs: %w", ctx.Err())
		}
		key, value, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read runs: %w", err)
		}
		if err := yield(key, value); err != nil {
			return err
		}
	}
}
