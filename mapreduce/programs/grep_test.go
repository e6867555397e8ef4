package programs_test

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// found is the lines that grep finds, in batches cut at lines.
func found(tb rapid.TB, args map[string]string, batches ...[]byte) pairs {
	tb.Helper()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		tb.Fatal(err)
	}
	program, err := set.Find("grep")
	if err != nil {
		tb.Fatal(err)
	}
	mapper, err := program.Mapper(args)
	if err != nil {
		tb.Fatalf("grep %v: %v", args, err)
	}
	var out pairs
	offset := int64(0)
	for _, data := range batches {
		if err := mapper.Map(context.Background(), mapreduce.Batch{Source: "in.txt", Offset: offset, Data: data}, &out); err != nil {
			tb.Fatal(err)
		}
		offset += int64(len(data))
	}
	return out
}

func TestGrepFindsLinesAndSaysWhere(t *testing.T) {
	const text = "the fox\n\nfoxes\nno\nfox fox"
	for _, c := range []struct {
		args map[string]string
		want pairs
	}{
		{map[string]string{"literal": "fox"}, pairs{{"the fox", ""}, {"foxes", ""}, {"fox fox", ""}}},
		{map[string]string{"literal": "."}, nil},
		{map[string]string{"literal": "fox\n"}, nil},
		{map[string]string{"literal": ""}, pairs{{"the fox", ""}, {"", ""}, {"foxes", ""}, {"no", ""}, {"fox fox", ""}}},
		{map[string]string{"pattern": "^fox$|^$|o$"}, pairs{{"", ""}, {"no", ""}}},
		{map[string]string{"pattern": `x\s`}, pairs{{"fox fox", ""}}},
		{map[string]string{"pattern": "(?i)THE|NO", "where": "file"}, pairs{{"in.txt", "the fox"}, {"in.txt", "no"}}},
		{map[string]string{"literal": "fox", "where": "offset"}, pairs{{"in.txt:0", "the fox"}, {"in.txt:9", "foxes"}, {"in.txt:18", "fox fox"}}},
	} {
		whole := found(t, c.args, []byte(text))
		if diff := cmp.Diff(c.want, whole); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.args, diff)
		}
		if diff := cmp.Diff(whole, found(t, c.args, []byte(text[:9]), []byte(text[9:]))); diff != "" {
			t.Errorf("%v, in two batches:\n%s", c.args, diff)
		}
	}
}

// What a regular expression finds is what it finds in each line alone.
func TestGrepFindsTheLinesThatMatchAlone(t *testing.T) {
	pieces := []string{"a", "b", "^", "$", `\A`, `\z`, `\b`, `\B`, `\s`, `\n`, "[^a]", ".", "(?s:.)", "(?m:^)", "(?m:$)", "|", "*", "?", "(?i:B)", " "}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", " ", "\n", "\n\n", "B", "\xff"}), 0, 30).Draw(t, "text"), "")
		expression := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 6).Draw(t, "expression"), "")
		compiled, err := regexp.Compile(expression)
		if err != nil {
			t.Skip(err)
		}
		var want pairs
		for line := range bytes.Lines([]byte(text)) {
			if line = bytes.TrimSuffix(line, []byte("\n")); compiled.Match(line) {
				want = append(want, [2]string{string(line), ""})
			}
		}
		if diff := cmp.Diff(want, found(t, map[string]string{"pattern": expression}, []byte(text))); diff != "" {
			t.Fatalf("%q in %q (-each line alone +grep):\n%s", expression, text, diff)
		}
	})
}

func TestGrepRefusesWhatItCannotLookFor(t *testing.T) {
	for _, c := range []struct {
		args map[string]string
		want string
	}{
		{nil, "grep for what?"},
		{map[string]string{"where": "file"}, "grep for what?"},
		{map[string]string{"literal": "a", "pattern": "b"}, "grep for what?"},
		{map[string]string{"pattern": "("}, "missing closing"},
		{map[string]string{"literal": "a", "where": "line"}, "where=line: use file or offset"},
		{map[string]string{"literal": "a", "color": "red"}, "no argument color"},
	} {
		_, err := programNamed(t, "grep").Mapper(c.args)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}
