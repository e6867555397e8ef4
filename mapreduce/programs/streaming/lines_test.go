package streaming

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// kept is what was emitted, a pair a line.
type kept struct{ rows []byte }

func (k *kept) Emit(key, value []byte) {
	k.rows = append(append(append(append(k.rows, key...), '|'), value...), '\n')
}

// blocksOf cuts data into blocks whose sizes are the bytes of cuts, round and round.
func blocksOf(data, cuts []byte) (list [][]byte) {
	for i := 0; len(data) > 0; i++ {
		n := len(data)
		if len(cuts) > 0 {
			n = min(n, 1+int(cuts[i%len(cuts)]))
		}
		list = append(list, slices.Clone(data[:n]))
		data = data[n:]
	}
	return list
}

// However output comes in blocks, its lines are the same, and no byte of them is lost.
func FuzzLinesDoNotDependOnBlocks(f *testing.F) {
	f.Add([]byte("a\tb\tc\n\n\tx\ny"), []byte{0, 3}, byte('\t'), 2)
	f.Fuzz(func(t *testing.T, data, cuts []byte, separator byte, fields int) {
		if separator == '\n' {
			return
		}
		var got, want kept
		l := lines{separator: separator, fields: fields, most: 1 << 20}
		for _, block := range blocksOf(data, cuts) {
			if err := l.take(block, &got); err != nil {
				t.Fatal(err)
			}
			clear(block)
		}
		l.end(&got)
		for line := range bytes.Lines(data) {
			parts := strings.SplitN(string(bytes.TrimSuffix(line, lf)), string([]byte{separator}), max(fields, 1)+1)
			key, value := strings.Join(parts[:min(len(parts), max(fields, 1))], string([]byte{separator})), ""
			if len(parts) > max(fields, 1) {
				value = parts[len(parts)-1]
			}
			want.Emit([]byte(key), []byte(value))
		}
		if !bytes.Equal(got.rows, want.rows) {
			t.Errorf("%q, want %q", got.rows, want.rows)
		}
	})
}

// However stderr comes in blocks, what it says is the same.
func FuzzStderrDoesNotDependOnBlocks(f *testing.F) {
	f.Add([]byte("reporter:counter:g,n,3\nreporter:status:x\nwords\nreporter:counter:g\nend"), []byte{0, 7})
	f.Add(bytes.Repeat([]byte("x"), 3*maxLogLine), []byte{255})
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		hear := func(blocks [][]byte) (said string, counters mapreduce.Counters, words string) {
			var log strings.Builder
			task := &mapreduce.TaskContext{Log: func(line string) {
				if len(line) > maxLogLine {
					t.Errorf("a line of %d bytes", len(line))
				}
				log.WriteString(line + "\n")
			}}
			l := listener{task: task}
			for _, block := range blocks {
				l.take(block)
			}
			l.end()
			counters, _ = task.Counters()
			return log.String() + task.Status(), counters, l.tail.words()
		}
		said, counters, words := hear(blocksOf(data, cuts))
		wantSaid, wantCounters, wantWords := hear(blocksOf(data, nil))
		if said != wantSaid || len(counters) != len(wantCounters) || words != wantWords {
			t.Errorf("in parts %q %v, at once %q %v", said, counters, wantSaid, wantCounters)
		}
		if len(words) > 3*maxTail { // what is no UTF-8 grows
			t.Errorf("last words of %d bytes", len(words))
		}
	})
}
