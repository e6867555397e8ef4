package cli

import (
	"bytes"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

func TestManyInputsWithAProcessEachAreToldOfShare(t *testing.T) {
	many := mapreduce.Status{Inputs: manyInputs}
	for _, c := range []struct {
		commands mapreduce.Commands
		status   mapreduce.Status
		told     bool
	}{
		{mapreduce.Commands{Map: "cat"}, many, true},
		{mapreduce.Commands{Map: "cat", Shared: true}, many, false},
		{mapreduce.Commands{Map: "cat"}, mapreduce.Status{Inputs: manyInputs - 1}, false},
		{mapreduce.Commands{}, many, false},
	} {
		var said bytes.Buffer
		sayShare(&said, c.commands, c.status)
		if strings.Contains(said.String(), "--share") != c.told {
			t.Errorf("%+v of %d inputs: %q", c.commands, c.status.Inputs, &said)
		}
	}
}

func TestCountersAreToldInOrderAndNotWithoutEnd(t *testing.T) {
	if got := counters(mapreduce.Counters{"lines,read": 12345, "lines,bad": 1}); got != "\n  lines, bad: 1\n  lines, read: 12,345" {
		t.Errorf("told %q", got)
	}
	many := mapreduce.Counters{}
	for n := range mostCounters + 2 {
		many[string(rune('a'+n))+",x"] = 1
	}
	if got := counters(many); !strings.HasSuffix(got, "\n  and 2 more") || strings.Count(got, "\n") != mostCounters+1 {
		t.Errorf("told %q", got)
	}
}
