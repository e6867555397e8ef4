package onejob

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"

	"jetreduce/bus"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/tcp"
)

// updateEvery is how often original backups hear how far the job is, at most.
const updateEvery = time.Second

// update tells original backups what they need to go on from the longest prefix of blobs that is done. The last split is never
// among it: whoever holds all but that has something left to do, and finds the end of the file by itself.
func (m *member) update(ctx context.Context, server *tcp.Server) {
	p := &prefix{m: m, winners: map[mapreduce.TaskID]mapreduce.Attempt{}}
	feed := m.b.OpenFeed(m.Log)
	defer feed.Close()
	ticker := time.NewTicker(updateEvery)
	defer ticker.Stop()
	heard := commits(ctx, feed)
	for {
		select {
		case c, more := <-heard:
			if !more {
				return
			}
			p.note(c)
		case <-ticker.C:
			if server.Backups() > 0 {
				began := time.Now()
				p.publish(ctx, server)
				ticker.Reset(max(updateEvery, 10*time.Since(began))) // it is all read again each time
			}
		}
	}
}

// commits gives what is committed, until ctx ends or the feed does.
func commits(ctx context.Context, feed *bus.Feed) <-chan mapreduce.Commit {
	heard := make(chan mapreduce.Commit)
	go func() {
		defer close(heard)
		for {
			event, err := feed.Next(ctx)
			if err != nil {
				return
			}
			if c, is := event.(mapreduce.Commit); is {
				heard <- c
			}
		}
	}()
	return heard
}

// prefix is how far a job is without a gap.
type prefix struct {
	m       *member
	winners map[mapreduce.TaskID]mapreduce.Attempt // of maps; whatever has been committed on this bus
	uid     mapreduce.UID
	told    int // splits
}

func (p *prefix) note(c mapreduce.Commit) {
	if c.Task.Phase == mapreduce.Map {
		p.winners[c.Task] = c.Attempt
	}
}

// publish sends the prefix, when it has grown.
func (p *prefix) publish(ctx context.Context, server *tcp.Server) {
	status := p.m.known()
	if p.uid != status.UID {
		p.uid, p.told = status.UID, 0
	}
	roster := p.roster(status)
	if len(roster) <= p.told {
		return
	}
	held, err := p.m.gather(ctx, status, roster)
	if err != nil {
		p.m.Log.Info("original backups were not told how far the job is", "cause", err)
		return
	}
	p.told = len(roster)
	server.Update(len(roster)*mapreduce.BlobsOfSplit(p.m.Blob, status.Bytes.Total), []tcp.Histogram{held})
}

// roster is the committed attempts of the first maps.
func (p *prefix) roster(status mapreduce.Status) (roster mapreduce.Roster) {
	for n := 0; n < status.Maps.Total-1; n++ {
		winner, done := p.winners[mapreduce.TaskID{UID: status.UID, Phase: mapreduce.Map, N: n, Generation: 1}]
		if !done {
			break
		}
		roster = append(roster, winner)
	}
	return roster
}

// gather adds up what the first maps have made, in the order of the original.
func (m *member) gather(ctx context.Context, status mapreduce.Status, roster mapreduce.Roster) (tcp.Histogram, error) {
	var held tcp.Histogram
	for partition := range status.Reduces.Total {
		task := mapreduce.Task{
			ID:     mapreduce.TaskID{UID: status.UID, Phase: mapreduce.Reduce, N: partition, Generation: 1},
			Roster: &mapreduce.RosterRef{Tasks: len(roster), Inline: roster.Encode()},
		}
		err := m.gatherer().Gather(ctx, task, func(word []byte, counts iter.Seq[[]byte]) error {
			var total int64
			for count := range counts {
				n, size := binary.Varint(count)
				if size <= 0 {
					return fmt.Errorf("count of %q: %x is not a varint", word, count)
				}
				total += n
			}
			held = append(held, tcp.Count{Word: slices.Clone(word), N: total})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	sortAsOriginals(held)
	return held, nil
}

// sortAsOriginals sorts words as originals expect them: they search in them.
func sortAsOriginals(words tcp.Histogram) {
	order, keys := roles.OriginalOrder(), map[string][]byte{}
	for _, c := range words {
		keys[string(c.Word)] = order(nil, c.Word)
	}
	slices.SortFunc(words, func(a, b tcp.Count) int {
		return cmp.Or(bytes.Compare(keys[string(a.Word)], keys[string(b.Word)]), bytes.Compare(a.Word, b.Word))
	})
}
