package onejob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jetreduce/mapreduce"
	"jetreduce/tcp"
)

// listeners are original backups, which note what they are told.
type listeners struct{ told []string }

func (l *listeners) Backups() int { return 1 }

func (l *listeners) Update(index int, value []tcp.Histogram) {
	l.told = append(l.told, fmt.Sprint(index, " ", len(value[0])))
}

// tape is records that are handed in, and how that ends; nil: not before ctx does.
type tape struct {
	events []mapreduce.Event
	end    error
}

func (r *tape) Next(ctx context.Context) (mapreduce.Event, error) {
	if len(r.events) > 0 {
		next := r.events[0]
		r.events = r.events[1:]
		return next, nil
	}
	if r.end != nil {
		return nil, r.end
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (r *tape) Close() {}

// updating tells listeners for a while what some tapes hold, one behind the other. Its log is returned.
func updating(l *listeners, gather gather, during time.Duration, tapes ...*tape) string {
	var said bytes.Buffer
	m := &member{Config: Config{Blob: 1024, Log: slog.New(slog.NewTextHandler(&said, nil))}}
	m.see(mapreduce.Status{UID: uid, Maps: mapreduce.Progress{Total: 5}, Reduces: mapreduce.Progress{Total: 2}})
	u := &updater{
		member: m, backups: l, prefix: newPrefix(gather), lost: remindFrom(time.Now()), late: remindFrom(time.Now()),
		open: func() follower {
			next := tapes[0]
			tapes = append(tapes[1:], next) // the first comes again behind the last
			return next
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), during)
	defer cancel()
	u.run(ctx)
	return said.String()
}

func committed(splits ...int) (events []mapreduce.Event) {
	for _, n := range splits {
		task := mapreduce.TaskID{UID: uid, Phase: mapreduce.Map, N: n, Generation: 1}
		events = append(events, mapreduce.Commit{Task: task, Attempt: mapreduce.Attempt{Worker: mapreduce.WorkerID(fmt.Sprintf("m%d", n)), N: 1}})
	}
	return events
}

// Records that cannot be followed for a while leave original backups without news for a while, and no longer. What was known stays, and
// is not counted again.
func TestBackupsAreToldAgainWhenRecordsAreFollowedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := &listeners{}, newShelf(t)
		broken := errors.New("the stream is gone")
		log := updating(l, s.gather, 20*time.Second, &tape{committed(0), broken}, &tape{nil, broken}, &tape{committed(0, 1), nil})
		perSplit := mapreduce.BlobsOfSplit(1024, 0)
		if want := fmt.Sprint(2*perSplit, " 3"); len(l.told) != 1 || l.told[0] != want {
			t.Errorf("told %q, want %q", l.told, want)
		}
		s.readOnce(4)
		if !strings.Contains(log, "level=WARN msg=\"original backups are told nothing for a while\" cause=\"the stream is gone\"") {
			t.Errorf("it is said that %s", log)
		}
	})
}

// What goes wrong for long is said less and less often, whichever of the two it is.
func TestTroubleWithUpdatesIsSaidRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := func(context.Context, mapreduce.Task, mapreduce.Roster, func([]byte, iter.Seq[[]byte]) error) error {
			return errors.New("the bus is away")
		}
		for words, tapes := range map[string][]*tape{
			"were not told how far": {{committed(0), nil}},
			"are told nothing":      {{nil, errors.New("the stream is gone")}},
		} {
			log := updating(&listeners{}, away, 5*time.Minute, tapes...)
			if n := strings.Count(log, words); n < 5 || n > 10 {
				t.Errorf("%q is said %d times in five minutes", words, n)
			}
		}
	})
}
