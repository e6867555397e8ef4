package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/mapreduce"
)

const (
	cutBytes   = 8 << 20 // of messages in a source, about
	cutSources = 4096    // of one stream, at most
	// listedAtMost bounds the deleted messages, and the subjects, that a server is asked to list.
	listedAtMost = 100_000
)

// cut is a range of a stream's sequences as it was when it was listed.
type cut struct {
	first, last uint64
	count       uint64 // messages that the filters take
	bytes       uint64 // of them, about
}

// cutter cuts a part of a stream into sources.
type cutter struct {
	bus     *Bus
	found   *jetstream.StreamInfo
	filters []string
	part    cut
	each    uint64 // bytes of a source, about
}

// cuts counts the messages of the part, and cuts it. Nothing is counted twice or not at all, whatever is appended meanwhile:
// without filters the stream's state says in one answer what there is; with filters the messages are gone through.
func (c *cutter) cuts(ctx context.Context) ([]cut, error) {
	state := &c.found.State
	switch {
	case len(c.filters) > 0 || state.NumDeleted > listedAtMost:
		return c.counted(ctx)
	case state.NumDeleted > 0 && len(state.Deleted) != state.NumDeleted:
		return nil, fmt.Errorf("list stream %s: %d of %d deleted messages were named", c.found.Config.Name, len(state.Deleted), state.NumDeleted)
	}
	return c.even(), nil
}

// even cuts where so many messages are there, by the list of those that are not.
func (c *cutter) even() []cut {
	average := max(c.found.State.Bytes/max(c.found.State.Msgs, 1), 1)
	sequences := c.part.last - c.part.first + 1
	each := max(c.each/average, 1, (sequences+cutSources-1)/cutSources)
	gone := slices.Sorted(slices.Values(c.found.State.Deleted))
	at, _ := slices.BinarySearch(gone, c.part.first)
	gone = gone[at:]
	var cuts []cut
	for first := c.part.first; first <= c.part.last; {
		one := cut{first: first}
		next := first // the sequence up to which has been counted
		for one.count < each && next <= c.part.last {
			for len(gone) > 0 && gone[0] == next {
				gone, next = gone[1:], next+1
			}
			end := c.part.last + 1
			if len(gone) > 0 {
				end = min(end, gone[0])
			}
			run := min(end-min(next, end), each-one.count)
			one.count, next = one.count+run, next+run
		}
		one.last, first = min(next-1, c.part.last), next
		if one.bytes = one.count * average; one.count > 0 {
			cuts = append(cuts, one)
		}
	}
	return cuts
}

// counted goes through the messages that the filters take, and cuts where they have so many bytes.
func (c *cutter) counted(ctx context.Context) (cuts []cut, err error) {
	s := span{stream: c.found.Config.Name, filters: c.filters, first: c.part.first, last: c.part.last, count: uncounted, bare: true}
	w := c.bus.walk(s, c.found)
	defer w.close()
	each := max(c.each, c.found.State.Bytes/cutSources+1)
	one := cut{first: c.part.first}
	for {
		found, err := w.more(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("count messages from sequence %d: %w", w.from, err)
		}
		for _, msg := range found {
			one.last, one.count, one.bytes = msg.seq, one.count+1, one.bytes+msg.bytes()
			if one.bytes >= each {
				cuts, one = append(cuts, one), cut{first: msg.seq + 1}
			}
		}
		if err != nil {
			break
		}
	}
	if one.count > 0 {
		cuts = append(cuts, one)
	}
	return cuts, nil
}

// bytes is about what a message takes, also one whose payload did not come along.
func (m stored) bytes() uint64 {
	size := uint64(m.size)
	if values := m.header[nats.MsgSize]; len(values) > 0 {
		if payload, err := strconv.ParseUint(values[len(values)-1], 10, 32); err == nil {
			size += payload
		}
	}
	return size
}

// source is a cut in a plan.
func (c *cutter) source(u streamURL, one cut) mapreduce.Source {
	title := fmt.Sprintf("%s://%s seq %d–%d", StreamScheme, u.stream, one.first, one.last)
	if one.first == one.last {
		title = fmt.Sprintf("%s://%s seq %d", StreamScheme, u.stream, one.first)
	}
	return mapreduce.Source{
		Name: u.part(c.filters, one.first, one.last), Size: int64(max(one.bytes, 1)), As: title, Whole: true,
		Identity: streamIdentity{c.found.Created.UnixNano(), one.first, one.last, one.count}.String(),
	}
}

// streamIdentity is what a source must still be when it is read: as text `time of creation:first-last:messages`.
type streamIdentity struct {
	created            int64
	first, last, count uint64
}

func (id streamIdentity) String() string {
	return fmt.Sprintf("%d:%d-%d:%d", id.created, id.first, id.last, id.count)
}

func parseStreamIdentity(text string) (id streamIdentity, err error) {
	n, err := fmt.Sscanf(strings.ReplaceAll(text, ":", " "), "%d %d-%d %d", &id.created, &id.first, &id.last, &id.count)
	if err != nil || n != 4 || id.String() != text || id.first < 1 || id.first > id.last || id.count < 1 {
		return streamIdentity{}, fmt.Errorf("parse identity %q: not created:first-last:messages", text)
	}
	return id, nil
}
