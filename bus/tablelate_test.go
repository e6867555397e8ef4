package bus_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

// errKilled is what becomes of an attempt whose process is killed.
var errKilled = errors.New("killed")

// at has something happen in the place of a row, once, when rows are published. Those of a bucket are gone through before, to see which
// keys stay.
func at(table mapreduce.Table, n int, happens func() error) mapreduce.Table {
	pass := 1
	if table.Target.Kind() == mapreduce.ToBucket {
		pass = 2
	}
	return atPass(table, pass, n, happens)
}

func atPass(table mapreduce.Table, pass, n int, happens func() error) mapreduce.Table {
	rows, passes := table.Rows, 0
	table.Rows = func(yield func(key, value []byte) error) error {
		passes++
		count := 0
		return rows(func(key, value []byte) error {
			if count++; count == n && passes == pass {
				if err := happens(); err != nil {
					return err
				}
			}
			return yield(key, value)
		})
	}
	return table
}

// tablePlaces are a bucket and streams to which tables of 300 rows go in several steps.
var tablePlaces = []string{"kv://B", "stream://batched?subject=out.{key}", "stream://single?subject=single"}

// readyPlaces makes them, on a server that stores 64 messages at once.
func readyPlaces(ctx context.Context, t *testing.T) (*bus.Bus, func(to string) map[string]string) {
	b, js := withBatches(t, 64)
	inMemory(ctx, t, js)
	makeStream(ctx, t, js, "batched", true, "out.>")
	makeStream(ctx, t, js, "single", false, "single")
	return b, func(to string) map[string]string {
		if strings.HasPrefix(to, "kv") {
			return holds(ctx, t, js, "B")
		}
		all := map[string]string{}
		for _, msg := range streamed(ctx, t, js, to[len("stream://"):strings.Index(to, "?")]) {
			if msg.Header.Get("Jetreduce-Uid") == "" {
				continue
			}
			k := msg.Header.Get("Jetreduce-Uid") + " " + msg.Header.Get("Jetreduce-Key")
			if _, is := all[k]; is {
				t.Errorf("%s holds %s twice", to, k)
			}
			all[k] = string(msg.Data)
		}
		return all
	}
}

func TestTableIsPublishedByWhoeverComesAfterTheDecision(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	for _, dies := range []int{1, 65, 66, 150, 300} {
		b, found := readyPlaces(ctx, t)
		for _, to := range tablePlaces {
			table := tableTo(to, "u1", 300, "v")
			mark := checked(ctx, t, b, table)
			if _, err := b.Tables().Publish(ctx, dying(table, dies), mark); !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			if _, err := b.Tables().Check(ctx, table); err != nil { // as each attempt does; the first one's mark was decided
				t.Error(err)
			}
			for range 2 {
				if _, err := b.Tables().Publish(ctx, table, mark); err != nil {
					t.Errorf("%s, after death at %d: %v", to, dies, err)
				}
			}
			if got := found(to); len(got) != 300 {
				t.Errorf("%s, after death at %d: %d rows", to, dies, len(got))
			}
		}
	}
}

// dying ends at a row as if its process were killed there.
func dying(table mapreduce.Table, n int) mapreduce.Table {
	return at(table, n, func() error { return mapreduce.Permanent(errKilled) })
}

func TestAttemptsThatPublishAtTheSameTimePublishOnce(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, found := readyPlaces(ctx, t)
	for _, to := range tablePlaces {
		table := tableTo(to, "u1", 300, "v")
		mark := checked(ctx, t, b, table)
		var racing sync.WaitGroup
		for range 4 {
			racing.Go(func() {
				if _, err := b.Tables().Publish(ctx, table, mark); err != nil {
					t.Errorf("%s: %v", to, err)
				}
			})
		}
		racing.Wait()
		if got := found(to); len(got) != 300 {
			t.Errorf("%s: %d rows", to, len(got))
		}
	}
}

// An attempt that was paused while another published, and then a later job did, changes nothing, wherever it was paused.
func TestZombieChangesNothingAfterALaterJob(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	for _, paused := range []int{1, 150} {
		b, found := readyPlaces(ctx, t)
		for _, to := range tablePlaces {
			zombie, later := tableTo(to, "u1", 300, "zombie"), tableTo(to, "u2", 200, "later")
			mark := checked(ctx, t, b, zombie)
			var before map[string]string
			_, err := b.Tables().Publish(ctx, at(zombie, paused, func() error {
				_, err := b.Tables().Publish(ctx, zombie, mark)
				_, fault := place(ctx, b, later)
				before = found(to)
				return errors.Join(err, fault)
			}), mark)
			if strings.HasPrefix(to, "kv") && !errors.Is(err, mapreduce.ErrOvertaken) || strings.HasPrefix(to, "stream") && err != nil {
				t.Errorf("%s: %v", to, err)
			}
			after := found(to)
			if len(before) != len(after) || len(after) != map[bool]int{true: 200, false: 500}[strings.HasPrefix(to, "kv")] {
				t.Errorf("%s: %d rows, then %d", to, len(before), len(after))
			}
		}
	}
}

// What others write to a bucket between the decision and the end is not overwritten.
func TestBucketThatSomebodyElseWroteToIsLeftAlone(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBatches(t, 0)
	kv := bucketOf(ctx, t, js, "B", map[string]string{"a": "1"})
	table := tableTo("kv://B", "u1", 10, "v")
	mark := checked(ctx, t, b, table)
	if _, err := kv.PutString(ctx, "b", "theirs"); err != nil {
		t.Fatal(err)
	}
	_, err := b.Tables().Publish(ctx, table, mark)
	if !errors.Is(err, mapreduce.ErrOvertaken) || !mapreduce.IsPermanent(err) {
		t.Errorf("%v", err)
	}
	checkHolds(ctx, t, js, "B", map[string]string{"a": "1", "b": "theirs"})
	if err := js.DeleteKeyValue(ctx, "B"); err != nil {
		t.Fatal(err)
	}
	bucketOf(ctx, t, js, "B", nil) // another of that name
	if _, err = b.Tables().Publish(ctx, table, mark); !errors.Is(err, mapreduce.ErrOvertaken) {
		t.Errorf("%v", err)
	}
}

// A server that goes away in the middle of a batch comes back with all of it or nothing.
func TestTableSurvivesARestartOfTheBus(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	dir := t.TempDir()
	s := startServer(t, server.Options{Port: server.RANDOM_PORT, StoreDir: dir})
	port := s.Addr().(*net.TCPAddr).Port
	b := busOf(t, s)
	table := tableTo("kv://B", "u1", 300, "v")
	mark := checked(ctx, t, b, table)
	interrupted := at(table, 200, func() error {
		stopServer(s)
		startServer(t, server.Options{Port: port, StoreDir: dir})
		return nil
	})
	mustPublish(ctx, t, b, interrupted, mark)
	checkHolds(ctx, t, stream(t, b), "B", want(t, table))
}
