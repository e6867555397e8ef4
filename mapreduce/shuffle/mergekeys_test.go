package shuffle

import (
	"iter"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// defaced merges pairs by groups for a reducer that writes into the keys that it is lent.
func defaced(t *testing.T, pairs ...pair) (groups int, err error) {
	t.Helper()
	owner := RunOwner{0, attempt(1)}
	runs, _ := flushed(t, SorterConfig{Partitions: 1}, owner, pairs)
	m := merged(t, CollectorConfig{Roster: mapreduce.Roster{owner.Attempt}}, runs[0])
	defer m.Close()
	err = m.Groups(t.Context(), func(key []byte, values iter.Seq[[]byte]) error {
		groups++
		clear(key)
		for range values {
		}
		return nil
	})
	return groups, err
}

func TestReducerThatChangesItsKeyChangesNoGroup(t *testing.T) {
	if groups, err := defaced(t, pair{"a", "1"}, pair{"a", "2"}, pair{"b", "3"}); groups != 2 || err != nil {
		t.Errorf("%d groups, %v", groups, err)
	}
}

// Of a large key there is no copy to spare: what is done to it is noticed.
func TestReducerThatChangesALargeKeyFails(t *testing.T) {
	large := strings.Repeat("a", keepRecord+1)
	if _, err := defaced(t, pair{large, "1"}, pair{large, "2"}); !mapreduce.IsPermanent(err) {
		t.Errorf("error %v", err)
	}
}
