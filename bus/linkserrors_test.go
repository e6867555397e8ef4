package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/bus"
	"jetreduce/mapreduce"
)

// linkCalls makes each call of the links once, and returns what came of it.
func linkCalls(ctx context.Context, links *bus.Links, target mapreduce.Target) map[string]error {
	_, err := links.Last(ctx, target, "job")
	return map[string]error{
		"last": err, "link": links.Link(ctx, "job", "u1", target, 0), "unlink": links.Unlink(ctx, "job", "u1", target),
	}
}

// A bucket of a user's whose server is gone must not hold up the leader; the store of results is part of the bus.
func TestBucketThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	for stream, target := range map[string]mapreduce.Target{"OBJ_mine": intoBucket, "OBJ_jetreduce-out": intoStore} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			b := scripted(t, script{
				"$JS.API.STREAM.MSG.GET." + stream:       {noLeader},
				"$JS.API.STREAM.INFO.KV_jetreduce-state": {noStream},
			})
			links := b.Links()
			links.Patience = 100 * time.Millisecond
			for call, err := range linkCalls(deadline(t), links, target) {
				if mapreduce.IsPermanent(err) != (target == intoBucket) {
					t.Errorf("%s: permanent: %t", call, mapreduce.IsPermanent(err))
				}
				mustSay(t, err, "bucket "+strings.TrimPrefix(stream, "OBJ_")+" does not answer")
			}
		})
	}
}

// While the bus itself is away nothing is known about a bucket.
func TestBucketOfABusThatIsAwayIsNotGivenUp(t *testing.T) {
	t.Parallel()
	s := startServer(t, server.Options{Port: server.RANDOM_PORT, StoreDir: t.TempDir()})
	links := busOf(t, s).Links()
	links.Patience = 100 * time.Millisecond
	stopServer(s)
	for call, err := range linkCalls(deadline(t), links, intoBucket) {
		if err == nil || mapreduce.IsPermanent(err) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestUploadThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	b := scripted(t, script{
		"$JS.API.DIRECT.GET.JETREDUCE_INPUT_up.>": {`{"v":1,"files":1,"parts":1,"chunks":1,"chunk_size":9}`},
		"$JS.API.STREAM.INFO.JETREDUCE_INPUT_up":  {noLeader},
		"$JS.API.STREAM.INFO.KV_jetreduce-state":  {noStream},
	})
	uploads := b.Uploads()
	uploads.Patience = 100 * time.Millisecond
	err := uploads.Keep(deadline(t), "up")
	if mustSay(t, err, "upload up does not answer"); !mapreduce.IsPermanent(err) {
		t.Errorf("not permanent: %v", err)
	}
}

func TestGarbageInABucketIsAnAnswer(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no JSON": `<html>`, "no message": `{}`, "no object": `{"message":{"seq":1,"data":"PGh0bWw+"}}`,
		"offline": `{"error":{"code":500,"err_code":10118,"description":"stream is offline"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := scripted(t, script{"$JS.API.STREAM.MSG.GET.OBJ_mine": {answer}})
			ctx, links := deadline(t), b.Links()
			links.Patience = time.Minute
			for call, err := range linkCalls(ctx, links, intoBucket) {
				if mustSay(t, err, "bucket mine"); !mapreduce.IsPermanent(err) || ctx.Err() != nil {
					t.Errorf("%s: not permanent, or asked for again and again: %v", call, err)
				}
			}
		})
	}
}

// What a bucket refuses it will refuse again.
func TestRefusalOfABucketIsPermanentAndNamesIt(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	for name, config := range map[string]jetstream.StreamConfig{"sealed": {Sealed: true}, "full": {MaxBytes: 1, Discard: jetstream.DiscardNew}} {
		config.Name, config.Subjects = "OBJ_"+name, []string{fmt.Sprintf("$O.%s.>", name)}
		config.AllowRollup = !config.Sealed
		made := config
		made.Sealed = false
		_, err := js.CreateStream(ctx, made)
		if err == nil && config.Sealed {
			_, err = js.UpdateStream(ctx, config)
		}
		if err != nil {
			t.Fatal(err)
		}
		target := mapreduce.Target{To: "object://" + name + "/x"}
		for call, err := range linkCalls(ctx, b.Links(), target) {
			if call == "last" {
				continue
			}
			if mustSay(t, err, "bucket "+name, "x"); !mapreduce.IsPermanent(err) {
				t.Errorf("%s in a bucket that is %s is not permanent: %v", call, name, err)
			}
		}
	}
	err := b.Links().Link(ctx, "job", "u1", mapreduce.Target{To: "object://full/x"}, 0)
	if !errors.Is(err, mapreduce.ErrNoRoom) {
		t.Errorf("%v, want %v", err, mapreduce.ErrNoRoom)
	}
}

func TestUnlinkingWhatCannotBeIsDone(t *testing.T) {
	t.Parallel()
	b, _ := withBuckets(t)
	for _, to := range []string{"object://", "object://a.b/x", "object://mine/%zz", "file:///x", "object://none/x"} {
		if err := b.Links().Unlink(deadline(t), "job", "u1", mapreduce.Target{To: to}); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// The id of a job may be the uid of another.
func TestLinkIsNoOtherJobsResult(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	for uid, text := range map[mapreduce.UID]string{"u1": "one", "u2": "two"} {
		if err := publishResult(ctx, b, uid, intoStore, text, 7); err != nil {
			t.Fatal(err)
		}
	}
	links := b.Links()
	err := errors.Join(links.Link(ctx, "job", "u1", intoStore, 0), links.Link(ctx, "u1", "u2", intoStore, 0))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"job": "one", "u1": "two"} {
		if got, err := object(t, js, "jetreduce-out", name); err != nil || got != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	for uid, want := range map[mapreduce.UID]string{"u1": "one", "u2": "two"} {
		if got, err := fetch(ctx, b, uid, intoStore); err != nil || got != want {
			t.Errorf("%s: %q %v", uid, got, err)
		}
	}
}

func TestLinkAtAResultsPlaceIsNotFollowed(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	b, js := withBuckets(t)
	store, err := js.ObjectStore(ctx, "jetreduce-out")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := store.PutString(ctx, "theirs", "theirs")
	if err == nil {
		_, err = store.AddLink(ctx, "@u1", theirs)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fetch(ctx, b, "u1", intoStore); !mapreduce.IsPermanent(err) {
		t.Errorf("%q %v", got, err)
	}
}
