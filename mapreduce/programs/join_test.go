package programs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/mapreducetest"
	"jetreduce/mapreduce/programs"
)

func joined(tb testing.TB, kind mapreduce.Records, args, inputs map[string]string) mapreducetest.Result {
	tb.Helper()
	return mapreducetest.Run(tb, programNamed(tb, "join"), mapreducetest.Config{Args: args, Records: kind, Inputs: inputs})
}

func TestJoinPairsBothSides(t *testing.T) {
	inputs := map[string]string{
		"data/users.txt":    "1 ann lee\n2 bob\n3 cyd\n1 ann2\n",
		"data/orders-1.txt": "1 tea\n4 ham\n",
		"data/orders-2.txt": "1 jam 7\n2 egg\n\n",
	}
	const both = "1\tann lee\ttea\n1\tann2\ttea\n1\tann lee\tjam 7\n1\tann2\tjam 7\n2\tbob\tegg\n"
	for kind, want := range map[string]string{
		"inner": both,
		"left":  both + "3\tcyd\t\n",
		"right": both + "4\t\tham\n",
		"outer": both + "3\tcyd\t\n4\t\tham\n",
	} {
		got := joined(t, mapreduce.Lines, map[string]string{"left": "users.*", "type": kind}, inputs)
		if diff := cmp.Diff(want, got.Text()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
		counters := mapreduce.Counters{"join,left records": 4, "join,right records": 4, "join,left out: no field 1": 1}
		if diff := cmp.Diff(counters, got.Counters); diff != "" {
			t.Errorf("%s, counters (-want +got):\n%s", kind, diff)
		}
	}
}

func TestJoinKnowsKeysOfItsOwnForEachSide(t *testing.T) {
	for name, c := range map[string]struct {
		kind        mapreduce.Records
		args        map[string]string
		left, right string
		want        string
	}{
		"columns": {mapreduce.Lines, map[string]string{"left_key": "2", "separator": ";"}, "a;k;b\n", "k;c\n", "k\ta;b\tc\n"},
		"csv":     {mapreduce.CSV, map[string]string{"right_key": "2"}, "k,\"a,b\",c\n", "\"x,y\",k\n", "k\t\"a,b\",c\t\"x,y\"\n"},
		"ndjson": {mapreduce.NDJSON, map[string]string{"left_key": "id", "right_key": "of.id"},
			"{\"id\":7}\n", "{\"of\":{\"id\":7}}\n", "7\t{\"id\":7}\t{\"of\":{\"id\":7}}\n"},
		"key only": {mapreduce.Lines, nil, "k\n", "k\n", "k\t\t\n"},
	} {
		c.args = mapWith(c.args, "left", "/l/*")
		if got := joined(t, c.kind, c.args, map[string]string{"/l/in": c.left, "/r/in": c.right}); got.Text() != c.want {
			t.Errorf("%s: %q, want %q", name, got.Text(), c.want)
		}
	}
}

func mapWith(args map[string]string, name, value string) map[string]string {
	all := map[string]string{name: value}
	for n, v := range args {
		all[n] = v
	}
	return all
}

func TestJoinRefusesInputsOfOneSideOnly(t *testing.T) {
	for left, want := range map[string]string{
		"c*": "no input matches left=c*: there are a.txt, b.txt",
		"*":  "every input matches left=*, and none is the right side: there are a.txt, b.txt",
	} {
		config := mapreducetest.Config{Args: map[string]string{"left": left}, Inputs: map[string]string{"a.txt": "1\n", "b.txt": "1\n"}}
		_, err := mapreducetest.Try(t.Context(), programNamed(t, "join"), config)
		if err == nil || !strings.Contains(err.Error(), want) || !mapreduce.IsPermanent(err) {
			t.Errorf("left=%s: %v", left, err)
		}
	}
}

func TestJoinRefusesMoreLeftRecordsThanItKeeps(t *testing.T) {
	config := mapreducetest.Config{
		Args:   map[string]string{"left": "l"},
		Inputs: map[string]string{"l": strings.Repeat("k a\n", 100), "r": "k b\n"},
	}
	_, err := mapreducetest.Try(t.Context(), programs.SmallJoin(1000), config)
	if err == nil || !strings.Contains(err.Error(), "name the other inputs as left") || !mapreduce.IsPermanent(err) {
		t.Errorf("%v", err)
	}
	if got := mapreducetest.Run(t, programs.SmallJoin(2500), config); len(got.Rows) != 100 {
		t.Errorf("%d rows", len(got.Rows))
	}
}

// An inner join is what two loops find.
func TestJoinFindsWhatTwoLoopsFind(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "a\x00", "a\x00\x01", "\x00", "a\xff"}), 0, 8)
		lefts, rights := keys.Draw(r, "left"), keys.Draw(r, "right")
		var want [][2]string
		var left, right strings.Builder
		for i, l := range lefts {
			fmt.Fprintf(&left, "%s l%d\n", l, i)
			for j, k := range rights {
				if l == k {
					want = append(want, [2]string{l, fmt.Sprintf("l%d\tr%d", i, j)})
				}
			}
		}
		for j, k := range rights {
			fmt.Fprintf(&right, "%s r%d\n", k, j)
		}
		got := joined(t, mapreduce.Lines, map[string]string{"left": "l"}, map[string]string{"l": left.String(), "r": right.String()}).Rows
		keysAlone := slices.IsSortedFunc(got, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
		compare := func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }
		slices.SortFunc(want, compare)
		slices.SortFunc(got, compare)
		if diff := cmp.Diff(want, got); diff != "" || !keysAlone {
			r.Fatalf("sorted %v (-want +got):\n%s", keysAlone, diff)
		}
	})
}
