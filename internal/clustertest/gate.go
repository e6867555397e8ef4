package clustertest

import (
	"context"
	"sync"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// Gate is where the maps of a job wait until the test lets them go on.
type Gate struct {
	Began chan string // the source of each map that has come to the gate

	once   sync.Once
	opened chan struct{}
}

// NewGate makes a gate that is closed.
func NewGate() *Gate { return &Gate{Began: make(chan string, 1000), opened: make(chan struct{})} }

// Open lets all maps pass, now and later.
func (g *Gate) Open() { g.once.Do(func() { close(g.opened) }) }

// Program is "gated": a word count whose maps wait at the gate.
func (g *Gate) Program() mapreduce.Program {
	return Slow("gated", func(ctx context.Context, batch mapreduce.Batch) error {
		g.Began <- batch.Source
		select {
		case <-g.opened:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// Slow is a word count under another name whose maps wait before they begin.
func Slow(name string, wait func(ctx context.Context, batch mapreduce.Batch) error) mapreduce.Program {
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		panic(err)
	}
	count, err := set.Find("wordcount")
	if err != nil {
		panic(err)
	}
	inner := count.Mapper
	count.Name = name
	count.Mapper = func(args map[string]string) (mapreduce.Mapper, error) {
		mapper, err := inner(args)
		return slow{mapper, wait}, err
	}
	return count
}

type slow struct {
	mapreduce.Mapper
	wait func(ctx context.Context, batch mapreduce.Batch) error
}

func (m slow) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := m.wait(ctx, batch); err != nil {
		return err
	}
	return m.Mapper.Map(ctx, batch, out)
}
