package shuffle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// apart is what Apart hands over, in order.
func apart(ctx context.Context, c *Collector) (seen []string, err error) {
	err = c.Apart(ctx, func(task int) error {
		seen = append(seen, fmt.Sprint("run ", task))
		return nil
	}, func(key, value []byte) error {
		seen = append(seen, fmt.Sprintf("%s %d", key, len(value)))
		return nil
	})
	return seen, err
}

func TestRunsAreReadOneByOneAlsoEmptyOnes(t *testing.T) {
	for _, memory := range []int64{0, 1} { // in memory, and from the scratch file
		roster, chunks := threeTasks(t)
		empty, _ := flushed(t, SorterConfig{}, RunOwner{3, attempt(3)}, nil)
		roster = append(roster, attempt(3))
		chunks = append(chunks, empty[0]...)
		scratch := t.TempDir()
		c := NewCollector(CollectorConfig{Roster: roster, Memory: memory, Scratch: scratch})
		for _, chunk := range slices.Backward(chunks) {
			if err := c.Add(chunk); err != nil {
				t.Fatal(err)
			}
		}
		got, err := apart(t.Context(), c)
		want := []string{"run 0", "key 60", "other 1", "run 1", "key 60", "other 1", "run 2", "key 60", "other 1", "run 3"}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %q, %v", got, err)
		}
		if c.scratch.file != nil {
			t.Error("the scratch file is open")
		}
		if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		if again, err := apart(t.Context(), c); err == nil || len(again) > 0 {
			t.Errorf("read twice: %q", again)
		}
	}
}

func TestNothingIsReadOneByOneUnlessAllIsThere(t *testing.T) {
	roster, chunks := threeTasks(t)
	c := NewCollector(CollectorConfig{Roster: roster})
	for _, chunk := range chunks[:len(chunks)-1] {
		if err := c.Add(chunk); err != nil {
			t.Fatal(err)
		}
	}
	got, err := apart(t.Context(), c)
	if len(got) > 0 || !errors.Is(err, mapreduce.ErrRunsLost) || !strings.Contains(err.Error(), "task 2 (attempt") {
		t.Errorf("got %q, %v", got, err)
	}
	if err := c.Add(chunks[len(chunks)-1]); err != nil {
		t.Fatal(err)
	}
	if got, err := apart(t.Context(), c); len(got) != 9 || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestReadingOneByOneEndsWithItsContext(t *testing.T) {
	roster, chunks := threeTasks(t)
	c := NewCollector(CollectorConfig{Roster: roster})
	for _, chunk := range chunks {
		if err := c.Add(chunk); err != nil {
			t.Fatal(err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if got, err := apart(ended, c); len(got) != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v", got, err)
	}
}
