package streaming_test

import (
	"bytes"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// claim is one sentence of the contract: what commands make of inputs.
type claim struct {
	name     string
	commands mapreduce.Commands
	records  mapreduce.Records
	inputs   []string // called a, b, c …
	batch    int      // bytes of a batch, about; 0: a whole input
	files    map[string]string
	want     string   // rows: of map only lines, else key TAB value LF
	fails    []string // parts of the error; none: it must not fail
	counters mapreduce.Counters
	log      string // all lines, with an LF each
	status   string
}

func mapOnly(command string) mapreduce.Commands { return mapreduce.Commands{Map: command} }

func pairs(mapper, reducer string) mapreduce.Commands {
	return mapreduce.Commands{Map: mapper, Reduce: reducer}
}

// marked shows where the key and where the value of what a reducer reads begin and end.
const marked = `sed 's/^/</; s/$/>/'`

func one(input string) []string { return []string{input} }

const (
	kib = 1 << 10
	mib = 1 << 20
)

func line(bytes int) string { return strings.Repeat("x", bytes) + "\n" }

func aboutKeysAndValues() []claim {
	return []claim{
		{name: "a line is split at its first TAB", commands: pairs("cat", marked), inputs: one("k\tv\n"), want: "<k\tv>\n"},
		{name: "a line without TAB is a key, its value is empty", commands: pairs("cat", marked), inputs: one("key\n"),
			want: "<key\t>\n"},
		{name: "further TABs belong to the value", commands: pairs("cat", "cat"), inputs: one("k\ta\tb\t\n"), want: "k\ta\tb\t\n"},
		{name: "a key may be empty", commands: pairs("cat", marked), inputs: one("\tv\n"), want: "<\tv>\n"},
		{name: "a value may be empty", commands: pairs("cat", marked), inputs: one("k\t\n"), want: "<k\t>\n"},
		{name: "an empty line is an empty key", commands: pairs("cat", "cat"), inputs: one("\n\n"), want: "\t\n\t\n"},
		{name: "a TAB alone is an empty key and value", commands: pairs("cat", "cat"), inputs: one("\t\n"), want: "\t\n"},
		{name: "NUL is a byte", commands: pairs("cat", "cat"), inputs: one("a\x00b\tc\x00\n"), want: "a\x00b\tc\x00\n"},
		{name: "what is no UTF-8 is kept", commands: pairs("cat", "cat"), inputs: one("\xff\xc3\t\xc3(\n"), want: "\xff\xc3\t\xc3(\n"},
		{name: "CR is a byte", commands: pairs("cat", "cat"), inputs: one("a\tb\r\n"), want: "a\tb\r\n"},
		{name: "a reducer reads keys in the order of unsigned bytes", commands: pairs("cat", "cat"),
			inputs: one("b\t1\n\xff\t2\nB\t3\n\x80\t4\n\t5\na\t6\n"), want: "\t5\nB\t3\na\t6\nb\t1\n\x80\t4\n\xff\t2\n"},
		{name: "values of a key keep the order of the input", commands: pairs("cat", "cat"),
			inputs: []string{"k\t3\nk\t1\n", "k\t2\n"}, want: "k\t3\nk\t1\nk\t2\n"},
		{name: "an empty value is key TAB LF to a reducer", commands: pairs("cat", `wc -c | sed 's/ //g'`), inputs: one("k\n"),
			want: "3\t\n"},
		{name: "a reducer's line without TAB is a key", commands: pairs("cat", `sed 's/\t.*//'`), inputs: one("a\tb\n"), want: "a\t\n"},
		{name: "a reducer may leave the order", commands: pairs("cat", "sort -r"), inputs: one("a\nb\n"), want: "b\t\na\t\n"},
		{name: "a reducer runs even for no input", commands: pairs("cat", `wc -l | sed 's/ //g'`), want: "0\t\n"},
		{name: "one process reduces all groups", commands: pairs("cat", `awk 'END { print NR }'`), inputs: one("a\nb\nc\n"),
			want: "3\t\n"},
		{name: "a reducer may stop reading", commands: pairs("cat", "sed 1q"),
			inputs: one("k\tv\n" + strings.Repeat("k\t"+line(kib), 4*kib)), want: "k\tv\n"},
		{name: "a reducer that writes as much as it reads waits for nobody", commands: pairs("cat", "cat"),
			inputs: one(strings.Repeat("k\t"+line(kib), 8*kib)), want: strings.Repeat("k\t"+line(kib), 8*kib)},
		{name: "a combiner reads sorted pairs", inputs: one("b\t1\na\t1\nc\t1\na\t2\n"), want: "1:a\t1\n2:a\t2\n3:b\t1\n4:c\t1\n",
			commands: mapreduce.Commands{Map: "cat", Combine: `awk '{ print NR ":" $0 }'`, Reduce: "cat"}},
		{name: "a combiner folds", inputs: one("b\t1\na\t1\na\t1\n"), want: "a\t2\nb\t1\n", commands: mapreduce.Commands{Map: "cat",
			Combine: `awk -F'\t' '{ n[$1] += $2 } END { for (k in n) print k "\t" n[k] }'`, Reduce: "cat"}},
		{name: "a combiner over nothing does not run", want: "",
			commands: mapreduce.Commands{Map: "cat", Combine: "exit 9", Reduce: "cat"}},
	}
}

func aboutFieldsAndOrder() []claim {
	two := func(sort string) mapreduce.Commands {
		return mapreduce.Commands{Map: "cat", Reduce: "cat", KeyFields: 2, Sort: sort}
	}
	return []claim{
		{name: "another separator", inputs: one("a,b,c\nd\te\n"), want: "<a\tb,c>\n<d\te\t>\n",
			commands: mapreduce.Commands{Map: "cat", Reduce: marked, Separator: ","}},
		{name: "two fields make the key", commands: two(""), inputs: one("a\tb\tc\td\n"), want: "a\tb\tc\td\n"},
		{name: "a key of two fields is compared whole", commands: two(""), inputs: one("a\tz\t1\na\tb\t2\n"), want: "a\tb\t2\na\tz\t1\n"},
		{name: "a line with fewer fields is all key", commands: mapreduce.Commands{Map: "cat", Reduce: marked, KeyFields: 3},
			inputs: one("a\tb\n"), want: "<a\tb\t>\t\n"},
		{name: "2,2nr: numbers, the largest first", commands: two("1,1 2,2nr"),
			inputs: one("a\t9\nb\t1\na\t10\na\t-3\nb\t2.5\n"), want: "a\t10\t\na\t9\t\na\t-3\t\nb\t2.5\t\nb\t1\t\n"},
		{name: "1,1r: keys from the end", commands: two("1,1r"), inputs: one("a\t1\nb\t1\nab\t1\n"), want: "b\t1\t\nab\t1\t\na\t1\t\n"},
		{name: "equal numbers are in the order of their bytes", commands: two("2n"),
			inputs: one("b\t1\na\t1.0\na\t01\n"), want: "a\t01\t\na\t1.0\t\nb\t1\t\n"},
		{name: "what is no number is 0", commands: two("2,2n"), inputs: one("a\t1\nb\tx\nc\t-1\nd\n"),
			want: "c\t-1\t\nb\tx\t\nd\t\t\na\t1\t\n"},
		{name: "decimals and negative ones as sort -n has them", commands: mapreduce.Commands{Map: "cat", Reduce: "cat", Sort: "1n"},
			inputs: one("10\n9.5\n-0.25\n.5\n-10\n-9\n0.05\n"), want: "-10\t\n-9\t\n-0.25\t\n0.05\t\n.5\t\n9.5\t\n10\t\n"},
		{name: "fields do not run into each other", commands: two("1,1 2,2"), inputs: one("a\x01\tb\na\tc\n"),
			want: "a\tc\t\na\x01\tb\t\n"},
	}
}

func aboutInputs() []claim {
	return []claim{
		{name: "map only keeps lines as they are", commands: mapOnly("cat"), inputs: one("a\na\t\n\ta\n\n"), want: "a\na\t\n\ta\n\n"},
		{name: "a last line without LF counts", commands: mapOnly("cat"), inputs: one("a\nb"), want: "a\nb\n"},
		{name: "an LF stands behind each line that a mapper reads", commands: mapOnly(`wc -c | sed 's/ //g'`), inputs: one("a\nb"),
			want: "4\n"},
		{name: "neighbours are never glued", commands: mapOnly("cat"), inputs: []string{"a", "b\n", "c"}, want: "a\nb\nc\n"},
		{name: "each input has a process", commands: mapOnly(`awk 'END { print NR }'`), inputs: []string{"a\nb", "c"}, want: "2\n1\n"},
		{name: "a process sees all batches of its input", commands: mapOnly(`awk 'END { print NR }'`), batch: 4,
			inputs: one("aa\nbb\ncc\ndd"), want: "4\n"},
		{name: "inputs may share a process", inputs: []string{"a\nb", "c"}, want: "3\n",
			commands: mapreduce.Commands{Map: `awk 'END { print NR }'`, Shared: true}},
		{name: "whole inputs are passed as they are", commands: mapOnly(`wc -c | sed 's/ //g'`), records: mapreduce.Whole,
			inputs: one("a\nb"), want: "3\n"},
		{name: "records of fixed size likewise", commands: mapOnly("cat"), records: mapreduce.FixedRecords(3), inputs: one("abcd\nf"),
			want: "abcd\nf\n"},
		{name: "a last value of NDJSON gets its LF", commands: mapOnly(`wc -l | sed 's/ //g'`), records: mapreduce.NDJSON,
			inputs: one("{}\n{}"), want: "2\n"},
		{name: "so does a last row of CSV", commands: mapOnly(`wc -l | sed 's/ //g'`), records: mapreduce.CSV, inputs: one("\"a\nb\"\nc"),
			want: "3\n"},
		{name: "a mapper may ignore its input", commands: mapOnly("printf 'x\\n'"), inputs: one(line(8 * mib)), want: "x\n"},
		{name: "and much of it in batches", commands: mapOnly("exec <&-; printf 'x\\n'"), batch: 64 * kib,
			inputs: one(strings.Repeat("abc\n", mib)), want: "x\n"},
		{name: "a mapper may stop reading", commands: mapOnly("sed 2q"), inputs: one("a\nb\n" + strings.Repeat("c\n", 2*mib)),
			want: "a\nb\n"},
		{name: "a mapper may emit nothing", commands: mapOnly("cat > /dev/null"), inputs: one("a\nb\n"), want: ""},
		{name: "a mapper may emit more than it reads", commands: mapOnly("cat; printf 'end\\n'"), inputs: one("a\n"), want: "a\nend\n"},
		{name: "one without lines may emit", commands: mapOnly("cat; printf 'end\\n'"), inputs: one(""), want: "end\n"},
		{name: "a last line of output without LF counts", commands: mapOnly("printf 'a\\nb'"), inputs: one("x\n"), want: "a\nb\n"},
		{name: "a command says that it reads JETREDUCE_INPUT from JETREDUCE_OFFSET", batch: 2, inputs: []string{"x\ny\n", "z\n"},
			want:     "a 0\nb 0\n",
			commands: mapOnly(`printf '%s %s\n' "$JETREDUCE_INPUT" "$JETREDUCE_OFFSET"`)},
		{name: "a shared one is not told", inputs: []string{"x\n", "z\n"}, want: "none none\n", commands: mapreduce.Commands{Shared: true,
			Map: `printf '%s %s\n' "${JETREDUCE_INPUT-none}" "${JETREDUCE_OFFSET-none}"`}},
		{name: "job, task and attempt have names", commands: mapOnly(`printf '%s\n' "$JETREDUCE_JOB $JETREDUCE_TASK $JETREDUCE_ATTEMPT"`),
			inputs: one("x\n"), want: "j1 u1.map.0.1 w1-7\n"},
		{name: "the worker's settings are not passed on", inputs: one("x\n"), want: "none none kept\n",
			commands: mapOnly(`printf '%s\n' "${NATS_CREDS-none} ${JETREDUCE_STORE-none} $STREAMING_TEST"`)},
		{name: "a command runs among the files that the job ships", files: map[string]string{"stop": "the\n"},
			commands: mapOnly("cat stop -"), inputs: one("end\n"), want: "the\nend\n"},
	}
}

// aboutLongLines is that no length of a line is special: not those of pipes and blocks.
func aboutLongLines() (claims []claim) {
	for _, size := range []int{64*kib - 1, 64 * kib, 64*kib + 1, mib - 1, mib, mib + 1} {
		claims = append(claims, claim{name: "a line of any length", commands: mapOnly("cat"),
			inputs: one("a\n" + line(size) + "b\n"), want: "a\n" + line(size) + "b\n"},
			claim{name: "a value of any length", commands: pairs("cat", "cat"), inputs: one("k\t" + line(size)), want: "k\t" + line(size)})
	}
	return claims
}

func aboutEnds() []claim {
	return []claim{
		{name: "a status other than 0 fails, with the last words", inputs: one("x\n"),
			commands: mapOnly(`cat; printf 'one\ntwo\n' >&2; exit 3`), log: "one\ntwo\n",
			fails: []string{`map command "cat; printf`, "on a from byte 0: exit status 3; its last words:\none\ntwo"}},
		{name: "a mapper that fails at once fails its attempt", commands: mapOnly("exit 4"), batch: mib,
			inputs: one(strings.Repeat("abc\n", 2*mib)),
			fails:  []string{"exit status 4"}},
		{name: "death by a signal names it", commands: mapOnly("kill -9 $$"), inputs: one("x\n"),
			fails: []string{"on a from byte 0: killed by signal: killed"}},
		{name: "of what a shell has run likewise", commands: mapOnly("sh -c 'kill -15 $$'; exit $?"), inputs: one("x\n"),
			fails: []string{"exit status 143", "signal: terminated"}},
		{name: "a pipeline ends as its last command", commands: mapOnly("exit 5 | cat"), inputs: one("x\n"), want: ""},
		{name: "and fails as it", commands: mapOnly("cat | exit 5"), inputs: one("x\n"), fails: []string{"exit status 5"}},
		{name: "a syntax error is told", commands: mapOnly("if"), inputs: one("x\n"),
			fails: []string{"exit status 2; its last words:", "yntax error"}},
		{name: "a command that is not found", commands: mapOnly("no-such-command-at-all"), inputs: one("x\n"),
			fails: []string{"exit status 127", "--file", "no-such-command-at-all"}},
		{name: "a file that cannot be executed", commands: mapOnly("./tool"), files: map[string]string{"tool": "#!/bin/sh\n"},
			inputs: one("x\n"),
			fails:  []string{"exit status 126", "--file"}},
		{name: "grep that finds nothing is explained", commands: mapOnly("grep zebra"), inputs: one("x\n"),
			fails: []string{"exit status 1", "grep … || test $? = 1"}},
		{name: "a reducer that fails is named", commands: pairs("cat", "cat; exit 3"), inputs: one("x\n"),
			fails: []string{`reduce command "cat; exit 3": exit status 3`}},
		{name: "a combiner likewise", commands: mapreduce.Commands{Map: "cat", Combine: "exit 6", Reduce: "cat"}, inputs: one("x\n"),
			fails: []string{`combine command "exit 6": exit status 6`}},
		{name: "the last words are the last",
			commands: mapOnly(`awk 'BEGIN { for (i = 0; i < 99999; i++) print "line", i; exit 1 }' >&2`), inputs: one("x\n"),
			fails: []string{"words:\nline 99979\n", "line 99998"}, log: anything},
		{name: "who closes its output may go on",
			commands: mapOnly(`printf 'a\n'; exec >&-; cat > /dev/null; printf 'reporter:counter:g,n,1\n' >&2`),
			inputs:   one(line(mib)), want: "a\n", counters: mapreduce.Counters{"g,n": 1}},
		{name: "and still fails", commands: mapOnly(`exec >&-; cat > /dev/null; exit 7`), inputs: one("x\n"),
			fails: []string{"exit status 7"}},
	}
}

func aboutStderr() []claim {
	return []claim{
		{name: "counters are added up", inputs: one("x\n"), counters: mapreduce.Counters{"words,all": 7, "words,odd": -2, "b c,n": 1},
			commands: mapOnly(`printf 'reporter:counter:%s\n' words,all,3 words,all,4 words,odd,-2 'b c,n,1' >&2`)},
		{name: "what is no counter is logged", commands: mapOnly(`printf 'reporter:counter:%s\n' broken a,b,c a,b, ,, >&2`),
			inputs: one("x\n"),
			log:    "reporter:counter:broken\nreporter:counter:a,b,c\nreporter:counter:a,b,\nreporter:counter:,,\n"},
		{name: "a counter may come in parts", commands: mapOnly(`printf reporter:coun >&2; printf 'ter:g,n,5\n' >&2`), inputs: one("x\n"),
			counters: mapreduce.Counters{"g,n": 5}},
		{name: "reducers count too", commands: pairs("cat", `cat; printf 'reporter:counter:g,n,1' >&2`), inputs: one("x\n"),
			want:     "x\t\n",
			counters: mapreduce.Counters{"g,n": 1}},
		{name: "the last status stands", commands: mapOnly(`printf 'reporter:status:%s\n' begun 'half: done' >&2`), inputs: one("x\n"),
			status: "half: done"},
		{name: "other lines are the log", commands: mapOnly(`printf 'one\n\n reporter:status:no\n' >&2`), inputs: one("x\n"),
			log: "one\n\n reporter:status:no\n"},
		{name: "a last line of it without LF counts", commands: mapOnly(`printf 'one\nend' >&2`), inputs: one("x\n"), log: "one\nend\n"},
		{name: "megabytes of it pass", commands: mapOnly(`cat >&2`), inputs: one(strings.Repeat("noise\n", mib)),
			log: strings.Repeat("noise\n", mib)},
		{name: "a long line of it is cut", commands: mapOnly(`cat >&2`), inputs: one(line(mib) + "end\n"), log: line(8*kib) + "end\n"},
	}
}

// anything: a log that is not looked at.
const anything = "*"

func TestStreamingContract(t *testing.T) {
	t.Setenv("NATS_CREDS", "/secret")
	t.Setenv("JETREDUCE_STORE", "/store")
	t.Setenv("STREAMING_TEST", "kept")
	for _, claims := range [][]claim{
		aboutKeysAndValues(), aboutFieldsAndOrder(), aboutInputs(), aboutLongLines(), aboutEnds(), aboutStderr(),
	} {
		for _, c := range claims {
			t.Run(c.name, func(t *testing.T) { c.check(t) })
		}
	}
}

func (c claim) check(t *testing.T) {
	d := newDriver(t, c.commands)
	d.ship(t, c.files)
	rows, err := d.run(t, c)
	switch {
	case len(c.fails) > 0:
		for _, part := range c.fails {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%v; want %q in it", err, part)
			}
		}
	case err != nil:
		t.Fatal(err)
	case !bytes.Equal(rows, []byte(c.want)):
		t.Errorf("rows %.200q (%d bytes), want %.200q (%d bytes)", rows, len(rows), c.want, len(c.want))
	}
	d.said(t, c)
}
