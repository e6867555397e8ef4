package processtest_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
)

// held is what the commands of a job are made of: attempts that say that they have begun, and wait at the gate.
type held struct {
	gate *processtest.Gate
	dir  string
	file string // shipped along: a shell function
}

// newHeld makes a closed gate for commands. A shell that waits there begins a short process over and over: it ends with its worker.
func newHeld(t *testing.T) held {
	t.Helper()
	h := held{gate: processtest.NewGate(t)}
	h.dir, h.file = h.gate.Args()["gate"], filepath.Join(t.TempDir(), "hold.sh")
	const hold = `hold() {
	printf '%%s %%s %%d\n' $1 $2 $PPID >>'%[1]s/ran'
	until [ -e '%[1]s/open-'$1 ]; do sleep 0.02; done
}
`
	if err := os.WriteFile(h.file, fmt.Appendf(nil, hold, h.dir), 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// counting are commands that count words, and what they have read of them. The first map of the first input fails when it has counted.
func (h held) counting() mapreduce.Commands {
	return mapreduce.Commands{
		Map: `. ./hold.sh; echo reporter:counter:words,maps,1 >&2
if [ "${JETREDUCE_INPUT##*/}" = ` + processtest.InputName(0) + ` ] && mkdir '` + h.dir + `/failed' 2>/dev/null; then
	echo reporter:counter:words,read,1000000 >&2
	exit 1
fi
hold map "$(printf %s "${JETREDUCE_INPUT##*/}" | tr ' ' _)"
awk '{ for (i = 1; i <= NF; i++) print $i "\t1"; n += NF } END { print "reporter:counter:words,read," n >"/dev/stderr" }'`,
		Reduce: `. ./hold.sh; hold reduce r; echo reporter:counter:words,reduces,1 >&2
awk -F'\t' 'NR > 1 && $1 != k { print k "\t" n; n = 0; rows++ } { k = $1; n += $2 }
END { if (NR) { print k "\t" n; rows++ } print "reporter:counter:words,rows," rows + 0 >"/dev/stderr" }'`,
	}
}

// job counts the words of the lines by commands, one map for each, two reduces.
func (h held) job(t *testing.T, lines []string) mapreduce.Job {
	t.Helper()
	return mapreduce.Job{
		ID: mapreduce.JobID("commands-" + rand.Text()), Commands: h.counting(), Files: []string{h.file},
		SplitSize: 1, Reduces: 2, Inputs: processtest.WriteLines(t, lines),
	}
}

// marked is the processes that have a job's mark in their environment: its commands, and what these have begun.
func marked(t *testing.T, job mapreduce.JobID) (all []string) {
	t.Helper()
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(environments) == 0 {
		t.Skip("no /proc here that tells whose a process is")
	}
	for _, path := range environments {
		environment, err := os.ReadFile(path)
		if err == nil && bytes.Contains(environment, []byte("JETREDUCE_JOB="+string(job)+"\x00")) {
			all = append(all, filepath.Dir(path))
		}
	}
	return all
}

// awaitNoneMarked waits until no process of the job is left.
func awaitNoneMarked(t *testing.T, job mapreduce.JobID) {
	t.Helper()
	processtest.AwaitTrue(t, "the end of all that the job has begun", func() bool { return len(marked(t, job)) == 0 })
}
