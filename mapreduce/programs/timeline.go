package programs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"jetreduce/mapreduce"
)

// timeline counts records by the minute, hour or day of the first time that each has in it. All is UTC.
func timeline() mapreduce.Program {
	return mapreduce.Program{
		Name: "timeline", Doc: "count the records of each minute, hour or day, by their timestamps", Noun: "records",
		Numeric: true, SameKey: true, Mapper: newClock, Combiner: mapreduce.Sum, Reducer: mapreduce.SumReducer,
	}
}

// clock is its mapper.
type clock struct {
	recordwise
	fields *fields // nil: anywhere in the record
	stamps []timestamp
	looks  *regexp.Regexp
	groups []int // of looks, for each timestamp
	year   int   // of those that have none; 0: not told
	layout string
	key    []byte
}

func newClock(given map[string]string) (mapreduce.Mapper, error) {
	args := arguments{"timeline", given}
	if err := args.takes("by", "format", "year", "field", "separator", "pattern", "strict"); err != nil {
		return nil, err
	}
	c := &clock{}
	var err error
	if c.recordwise, err = newRecordwise(args); err != nil {
		return nil, err
	}
	by, err := args.choice("by", "hour", "minute", "day")
	if err != nil {
		return nil, err
	}
	c.layout = map[string]string{"minute": "2006-01-02T15:04Z", "hour": "2006-01-02T15:00Z", "day": "2006-01-02"}[by]
	if c.year, err = args.count("year", 0, 9999); err != nil {
		return nil, err
	}
	if c.fields, err = newFields(args, "field", "0"); err != nil {
		return nil, err
	}
	return c, c.know(given["format"])
}

// know looks for timestamps of a format.
func (c *clock) know(format string) (err error) {
	if c.stamps, err = formatted(format); err != nil {
		return fmt.Errorf("timeline: %w", err)
	}
	looks := make([]string, len(c.stamps))
	for i, stamp := range c.stamps {
		looks[i] = "(?P<t" + strconv.Itoa(i) + ">" + stamp.looks + ")"
	}
	if c.looks, err = regexp.Compile(strings.Join(looks, "|")); err != nil {
		return fmt.Errorf("timeline: format=%s: %w", format, err)
	}
	for i := range c.stamps {
		c.groups = append(c.groups, 2*c.looks.SubexpIndex("t"+strconv.Itoa(i)))
	}
	return nil
}

func (c *clock) Map(ctx context.Context, batch mapreduce.Batch, out mapreduce.Output) error {
	if err := c.fields.suit(batch.Records); err != nil {
		return err
	}
	one := mapreduce.One()
	return c.each(ctx, batch, func(record []byte) (string, error) {
		found, lacks := c.fields.cut(batch.Records, record)
		if lacks != "" {
			return lacks, nil
		}
		at, err := c.read(c.fields.join(batch.Records, found))
		switch {
		case errors.Is(err, errNoYear):
			return "", mapreduce.Permanent(err)
		case err != nil:
			return "no time", nil
		}
		c.key = at.UTC().AppendFormat(c.key[:0], c.layout)
		out.Emit(c.key, one)
		return "", nil
	})
}

// errNoTime says no more, since it is counted only.
var errNoTime = errors.New("no time")

// read is the first time in a text.
func (c *clock) read(text []byte) (time.Time, error) {
	found := c.looks.FindSubmatchIndex(text)
	for i, stamp := range c.stamps {
		if group := c.groups[i]; found != nil && found[group] >= 0 {
			return stamp.read(string(text[found[group]:found[group+1]]), c.year)
		}
	}
	return time.Time{}, errNoTime
}
