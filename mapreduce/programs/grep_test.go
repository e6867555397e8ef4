package programs_test

import (
	"bytes"
	"context"
	"regexp"
	"regexp/syntax"
	"strconv"
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

// expressions are patterns that have to do with the ends of lines, most of them.
func expressions() *rapid.Generator[string] {
	pieces := rapid.SampledFrom([]string{
		"a", "b", "B", "k", "é", " ", "ab", "[^a]", "[^a]*", "[^\n]", "[^\r]+", "[\n]", "[a\n]", "[\t-\r]", "[^k]",
		"[^\\x00-\\x09]", "[^\\x0b-\\x{10FFFF}]", `\n`, `a\nb`, `\n?`, `\n*`, `\n{2}`, `\x0a`, `\Qa.` + "\n" + `\E`,
		`\s`, `\s+`, `\S`, `\w`, `\W`, `\W*`, `\D+`, `\pZ`, `\PL`, "[[:^alpha:]]", "[[:space:]]", "[[:cntrl:]]",
		"^", "$", `\A`, `\z`, `\b`, `\B`, "(?m:^)", "(?m:$)", "(?s)", "(?i)", "(?m)", "(?U)", "(?-s)",
		"(?s:.)", "(?s:.*)", ".", ".*", "(?i:B)", "(?i:K\\n)",
		"|", "*", "?", "+", "*?", "{2}", "{0,3}", "{0}", "(", ")", "(?:", "(?P<n>",
	})
	return rapid.Custom(func(t *rapid.T) string {
		for {
			expression := strings.Join(rapid.SliceOfN(pieces, 1, 8).Draw(t, "pieces"), "")
			if open := strings.Count(expression, "("); open > strings.Count(expression, ")") {
				expression += strings.Repeat(")", open-strings.Count(expression, ")"))
			}
			if _, err := regexp.Compile(expression); err == nil {
				return expression
			}
		}
	})
}

// What a regular expression finds is what it finds in each line alone.
func TestGrepFindsTheLinesThatMatchAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SampledFrom([]string{"a", "b", "ab", " ", "\n", "\n\n", "B", "k", "\u212a", "é",
			"\r", "\t", "\v", "\x00", "\xff", "\u2028", "\u0085"})
		text := strings.Join(rapid.SliceOfN(pieces, 0, 30).Draw(t, "text"), "")
		expression := expressions().Draw(t, "expression")
		compiled := regexp.MustCompile(expression)
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

// What goes on beyond its line would be looked for again from each line: the time would be that of the text squared.
func TestGrepLooksForNothingAcrossLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expression := expressions().Draw(t, "expression")
		inLines, err := programs.InLines(expression)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := syntax.Parse(inLines.String(), syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		program, err := syntax.Compile(tree.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range program.Inst {
			if takesLF(step) {
				t.Fatalf("%q: %q may match a LF: %v", expression, inLines, step.String())
			}
		}
	})
}

func takesLF(step syntax.Inst) bool {
	switch step.Op {
	case syntax.InstRune, syntax.InstRune1:
		return step.MatchRune('\n')
	}
	return step.Op == syntax.InstRuneAny
}

// The only line that matches is the last of a batch.
func BenchmarkGrep(b *testing.B) {
	mapper, err := programNamed(b, "grep").Mapper(map[string]string{"pattern": "^[^#]*foo"})
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{32 << 10, 64 << 10, 128 << 10} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			batch := mapreduce.Batch{Data: append(bytes.Repeat([]byte("a line of some words\n"), size/21), "foo\n"...)}
			b.SetBytes(int64(len(batch.Data)))
			for b.Loop() {
				if err := mapper.Map(b.Context(), batch, nowhere{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Nor is there a line behind the last LF, where every end of a line matches.
func TestGrepFindsNoLineBehindTheLast(t *testing.T) {
	for _, expression := range []string{"^$", "$^", `\A\z`, "^b*$", `^\n*$`, "(?s)^[^a]?$"} {
		if got := found(t, map[string]string{"pattern": expression}, []byte("a\naa\n")); got != nil {
			t.Errorf("%s: %q", expression, got)
		}
	}
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
