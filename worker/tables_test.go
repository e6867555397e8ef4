package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"jetreduce/mapreduce"
)

// board is where tables go, in memory. It notes its calls among the others.
type board struct {
	s      *surroundings
	stands string // what Check finds
	bad    error  // what it thinks of the rows
	rows   []string
}

func (b *board) Vacant(_ context.Context, uid mapreduce.UID, _ mapreduce.Target) error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.note("vacant %s", uid)
	return nil
}

func (b *board) Check(_ context.Context, table mapreduce.Table) (string, error) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.note("check %d rows", table.Count)
	return b.stands, b.bad
}

func (b *board) Publish(_ context.Context, table mapreduce.Table, mark string) (string, error) {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.note("publish %s at %s", table.UID, mark)
	b.rows = nil
	return "a note", table.Rows(func(key, value []byte) error {
		b.rows = append(b.rows, fmt.Sprintf("%s=%s", key, value))
		return nil
	})
}

// tabling is a finish task into a bucket or a stream.
func tabling(t *testing.T, to string) (s *surroundings, w *Worker, tables *board, task mapreduce.Task) {
	t.Helper()
	s = newSurroundings()
	task, _ = finishing(t, s, "b a b")
	task.Target.To = to
	w, tables = s.worker(t), &board{s: s, stands: "7"}
	w.Tables = tables
	return s, w, tables, task
}

func TestTableIsPublishedOnceItIsDecided(t *testing.T) {
	for to, want := range map[string]string{
		"kv://B": "a=1,b=2", "stream://S": "a=1,b=2", "stream://S?as=json": `a={"key":"a","value":1},b={"key":"b","value":2}`,
	} {
		s, w, tables, task := tabling(t, to)
		w.attempt(t.Context(), delivery(task))
		checkCalls(t, s, "vacant u", "check 2 rows", "decide u", "publish u at 7", "commit u.finish.0.1", "complete r0")
		if got := strings.Join(tables.rows, ","); got != want || s.end.Mark != "7" {
			t.Errorf("%s: %s, want %s; the decision goes by %q", to, got, want, s.end.Mark)
		}
		if left, err := os.ReadDir(w.Scratch); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
}

// What was there before the decision counts, not what a later attempt finds.
func TestLaterAttemptPublishesByTheMarkThatWasDecided(t *testing.T) {
	s, w, tables, task := tabling(t, "kv://B")
	s.unanswered = errors.New("connection closed")
	w.attempt(t.Context(), delivery(task))
	tables.stands = "9"
	w.attempt(t.Context(), delivery(task))
	checkCalls(t, s, "vacant u", "check 2 rows", "decide u", "hand back later r0",
		"vacant u", "check 2 rows", "decide u", "publish u at 7", "commit u.finish.0.1", "complete r0")
}

func TestBadRowFailsTheJobBeforeTheDecision(t *testing.T) {
	s, w, tables, task := tabling(t, "kv://B")
	tables.bad = mapreduce.Permanentf("no such key")
	w.attempt(t.Context(), delivery(task))
	checkCalls(t, s, "vacant u", "check 2 rows", "fail u.finish.0.1", "discard r0")
}

func TestTableOfACancelledJobIsNotPublished(t *testing.T) {
	s, w, _, task := tabling(t, "kv://B")
	s.end = &mapreduce.End{UID: "u", State: mapreduce.Cancelled}
	w.attempt(t.Context(), delivery(task))
	checkCalls(t, s, "vacant u", "check 2 rows", "decide u", "commit u.finish.0.1", "complete r0")
}

func TestRowsOfATableAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOf(rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 2, 2)).Draw(t, "rows")
		var file bytes.Buffer
		w, err := newTableRows(&file, mapreduce.Target{To: "kv://B"}, mapreduce.Program{})
		for _, row := range rows {
			err = errors.Join(err, w.Row(row[0], row[1]))
		}
		if err = errors.Join(err, w.Flush()); err != nil || w.Count() != int64(len(rows)) {
			t.Fatalf("%d rows, %v", w.Count(), err)
		}
		n := 0
		err = readRows(bytes.NewReader(file.Bytes()), func(key, value []byte) error {
			if !bytes.Equal(key, rows[n][0]) || !bytes.Equal(value, rows[n][1]) {
				t.Fatalf("row %d is %q %q", n, key, value)
			}
			n++
			return nil
		})
		if err != nil || n != len(rows) {
			t.Errorf("%d of %d rows, %v", n, len(rows), err)
		}
		if err := readRows(bytes.NewReader(file.Bytes()[:max(0, file.Len()-1)]), func(_, _ []byte) error { return nil }); err == nil && n > 0 {
			t.Error("rows that are cut short were read")
		}
	})
}

// A message without a word is of use to nobody: a row that is all key is its own.
func TestRowThatIsAllKeyIsAMessageOfItself(t *testing.T) {
	for _, c := range []struct {
		to      string
		program mapreduce.Program
		want    string
	}{
		{"stream://S", mapreduce.Program{Bare: true}, "line=line other=1"},
		{"stream://S", mapreduce.Program{Raw: true}, "line=line other=1"},
		{"stream://S", mapreduce.Program{}, "line= other=1"},
		{"kv://B", mapreduce.Program{Bare: true}, "line= other=1"},
	} {
		var file bytes.Buffer
		w, err := newTableRows(&file, mapreduce.Target{To: c.to}, c.program)
		err = errors.Join(err, w.Row([]byte("line"), nil), w.Row([]byte("other"), []byte("1")), w.Flush())
		var got []string
		err = errors.Join(err, readRows(&file, func(key, value []byte) error {
			got = append(got, string(key)+"="+string(value))
			return nil
		}))
		if strings.Join(got, " ") != c.want || err != nil {
			t.Errorf("%s, %+v: %v, %v", c.to, c.program, got, err)
		}
	}
}
