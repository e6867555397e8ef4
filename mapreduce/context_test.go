package mapreduce

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgramFindsItsTaskByItsContext(t *testing.T) {
	task := &TaskContext{Job: "job", Dir: "/dir"}
	ctx := WithTask(t.Context(), task)
	Count(ctx, "a,b", "c", 2)
	Count(ctx, "a,b", "c", 3)
	TaskOf(ctx).Say(strings.Repeat("é", 200))
	counters, err := task.Counters()
	if diff := cmp.Diff(Counters{"a_b,c": 5}, counters); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if TaskOf(ctx).Path("stop.txt") != "/dir/stop.txt" || len(task.Status()) > maxStatus+len("…") {
		t.Errorf("path %s, status of %d bytes", TaskOf(ctx).Path("stop.txt"), len(task.Status()))
	}
	Count(context.Background(), "nobody", "listens", 1)
}

func TestTooManyCountersAreAnError(t *testing.T) {
	var task TaskContext
	for n := range MaxCounters + 1 {
		task.Count("g", fmt.Sprint(n), 1)
	}
	if _, err := task.Counters(); err == nil || !IsPermanent(err) {
		t.Errorf("error %v", err)
	}
}

func TestCountersBeyondTheBoundTakeNoMemory(t *testing.T) {
	var task TaskContext
	for n := range 10 * MaxCounters {
		task.Count("g", fmt.Sprint(n), 1)
	}
	if len(task.counters) > MaxCounters+1 {
		t.Errorf("%d counters are kept", len(task.counters))
	}
}

// What programs say is shown on terminals.
func TestWordsOfProgramsAreNoOrdersToATerminal(t *testing.T) {
	var task TaskContext
	task.Say("\x1b[2Jhalf\tway\u202e")
	if got := task.Status(); got != "_[2Jhalf_way_" {
		t.Errorf("the status is %q", got)
	}
	if got := CounterName("größe", "\x1b]0;x\a <1 & >0"); got != "größe,_]0;x_ <1 & >0" {
		t.Errorf("the counter is %q", got)
	}
}

// The counters of a job stand in the record of its end, which is one message, whatever they are called.
func TestCountersOfAJobFitItsRecord(t *testing.T) {
	for _, c := range []string{"x", "é", "<", "\x00", "\u2028", "\"", "\xff"} {
		var sum Counters
		for n := range 2 * maxJobCounters {
			sum = sum.Add(Counters{CounterName(fmt.Sprint(n), strings.Repeat(c, 300)): math.MinInt64})
		}
		text, err := json.Marshal(sum)
		if room := MaxMessage - 8*MaxWords; err != nil || len(text) > room || len(sum) != maxJobCounters+1 {
			t.Errorf("%q: %d counters of %d bytes, %d at most, %v", c, len(sum), len(text), room, err)
		}
	}
}

func TestCountersOfAJobAreBounded(t *testing.T) {
	var sum Counters
	for n := range 2 * maxJobCounters {
		sum = sum.Add(Counters{fmt.Sprintf("g,%05d", n): 1, "g,00000": 1})
	}
	if len(sum) != maxJobCounters+1 || sum["g,00000"] != 2*maxJobCounters+0 || sum[otherCounters] != maxJobCounters {
		t.Errorf("%d counters, the first %d, others %d", len(sum), sum["g,00000"], sum[otherCounters])
	}
}

func TestCountersAreReadAsStreamingProgramsWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"lines,bad,1":              "lines|bad|1",
		"a,b, c,d,-7":              "a|b, c,d|-7",
		"g,n,9":                    "g|n|9",
		"g,n, 12 ":                 "g|n|12",
		"g,n":                      "",
		"g,n,x":                    "",
		"g,n,1.5":                  "",
		",n,1":                     "",
		"g,,1":                     "",
		"":                         "",
		"g,n,99999999999999999999": "",
	} {
		group, name, n, err := ParseCounter(text)
		got := fmt.Sprintf("%s|%s|%d", group, name, n)
		if (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func FuzzParseCounter(f *testing.F) {
	f.Add("lines,bad,1")
	f.Fuzz(func(t *testing.T, text string) {
		group, name, n, err := ParseCounter(text)
		if err == nil && (group == "" || name == "") {
			t.Errorf("%q: %q %q %d", text, group, name, n)
		}
	})
}
