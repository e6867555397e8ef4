package permissiontest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"jetreduce/backup"
	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/client"
	"jetreduce/coordinator"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
)

// All that can be asked for, by who may ask.
func TestJobsAreSteeredAndLookedAtByTheirUsers(t *testing.T) { inEachLayout(t, steered) }

func steered(t *testing.T, l layout) {
	ctx := deadline(t)
	w := newWorldOf(ctx, t, l, coordinator.Config{RosterInline: 1, SweepEvery: time.Millisecond})
	w.stores(ctx)
	desk := w.bus("client").Desk()
	status, err := run(ctx, w.bus("client"), words("object://theirs/in.txt"))
	if err != nil {
		t.Fatal(err)
	}
	failed, _ := run(ctx, w.bus("client"), words("file:///there/is/no/such/file"))
	for what, ask := range map[string]func() error{
		"cancel":  func() error { return known(desk.Cancel(ctx, failed.ID)) },
		"retry":   func() error { return known(desk.Retry(ctx, failed.ID)) },
		"discard": func() error { return desk.Discard(ctx, "x") },
	} {
		if err := ask(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, user := range []string{"client", "observer"} {
		w.look(ctx, user, status.ID)
	}
	if got, err := result(ctx, w.bus(fetcher), status); err != nil || got != table {
		t.Errorf("the fetcher gets %q, %v, want %q", got, err, table)
	}
	if err := known(desk.Remove(ctx, status.ID)); err != nil {
		t.Errorf("remove: %v", err)
	}
	w.quiet()
}

// known passes over what a leader answers about a job, be it a refusal: it was asked.
func known(_ *mapreduce.Status, err error) error {
	if mapreduce.IsPermanent(err) && !errors.Is(err, bus.ErrDenied) {
		return nil
	}
	return err
}

// look asks for all that there is to see, as a user.
func (w *world) look(ctx context.Context, user string, job mapreduce.JobID) {
	w.t.Helper()
	b := w.bus(user)
	desk := b.Desk()
	errs := map[string]error{"set up": b.Check(ctx)}
	_, errs["status"] = desk.Ask(ctx, job)
	_, errs["list"] = desk.List(ctx)
	_, errs["workers"] = desk.Workers(ctx)
	_, errs["quarantine"] = desk.Quarantine(ctx, job)
	_, errs["timeline"] = desk.Timeline(ctx, job)
	_, errs["vitals"] = desk.Vitals(ctx)
	stop, err := desk.Listen(job, func(mapreduce.Status) {}, func(uint64, string) {})
	if errs["listen"] = err; err == nil {
		stop()
	}
	for what, err := range errs {
		if err != nil {
			w.t.Errorf("%s: %s: %v", user, what, err)
		}
	}
}

// Uploads have names, so that they can be gone on with.
func TestUploadIsGoneOnWithByItsUser(t *testing.T) { inEachLayout(t, goneOnWith) }

func goneOnWith(t *testing.T, l layout) {
	ctx := deadline(t)
	w := newWorldOf(ctx, t, l, coordinator.Config{})
	b := w.bus("client")
	for range 2 {
		id, err := b.Desk().NewUpload(ctx, "named")
		if err != nil {
			t.Fatal(err)
		}
		carrier, _, err := b.Carrier().Resume(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Upload(ctx, carrier, client.UploadConfig{ID: id, Inputs: []string{"-"}, Stdin: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.quiet("CONSUMER.CREATE.JETREDUCE_INPUT_named.") // there is another way
}

// A standby follows, takes over and goes on under the coordinator's user.
func TestStandbyTakesOverUnderItsUser(t *testing.T) { inEachLayout(t, takenOver) }

func takenOver(t *testing.T, l layout) {
	ctx := deadline(t)
	w := &world{stage: newStageOf(t, l)}
	var err error
	if w.js, err = jetstream.New(w.as(admin)); err != nil {
		t.Fatal(err)
	}
	end := w.lead(ctx, "first")
	w.stores(ctx)
	w.work()
	if _, err := run(ctx, w.bus("client"), words("object://theirs/in.txt")); err != nil {
		t.Fatal(err)
	}
	endSecond := w.lead(ctx, "second")
	defer endSecond()
	end()
	status, err := run(ctx, w.bus("client"), words("object://theirs/in.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := result(ctx, w.bus("client"), status); err != nil || got != table {
		t.Errorf("got %q, %v, want %q", got, err, table)
	}
	w.quiet()
}

// lead runs a coordinator until end is called.
func (w *world) lead(ctx context.Context, name string) (end func()) {
	w.t.Helper()
	b := w.bus("coordinator")
	if err := b.SetUp(ctx, bus.SetUp{Classes: roles.Classes(), Results: true}); err != nil {
		w.t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	over := make(chan error, 1)
	c := roles.Coordinator{Bus: b, Name: name, Log: bustest.Quiet(), Backup: backup.Config{}}
	go func() { over <- c.Run(running) }()
	return func() {
		stop()
		if err := <-over; err != nil {
			w.t.Errorf("%s was told to stop: %v", name, err)
		}
	}
}

// A doctor that looks as the coordinator's user is denied nothing.
func TestDoctorLooksAsTheCoordinatorsUser(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	w := newWorld(ctx, t, coordinator.Config{})
	doctor := bus.Doctor{Server: bus.ConnectConfig{
		URL: w.server.ClientURL(), Name: "jetreduce doctor", Log: bustest.Quiet(), InboxPrefix: inbox("coordinator"),
		Login: bus.Login{User: "coordinator", Password: "coordinator"},
	}}
	for _, found := range doctor.Examine(ctx) {
		if strings.Contains(strings.ToLower(found.Seen), "permi") {
			t.Errorf("it cannot see: %s: %s", found.Name, found.Seen)
		}
	}
}

// What `jetreduce setup` does, once where nothing is, and once where all is.
func TestSetUpWorksAsTheCoordinatorsUser(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	s := newStage(t)
	for _, want := range []string{bus.ThingMade, bus.ThingThere} {
		found := 0
		err := s.bus("coordinator").Provision(ctx, bus.SetUp{Classes: roles.Classes()}, false, func(thing bus.Thing) error {
			if found++; thing.Is != want {
				t.Errorf("%s %s: %s, want %s", thing.Kind, thing.Name, thing.Is, want)
			}
			return nil
		})
		if err != nil || found < 8 {
			t.Errorf("%d things, %v", found, err)
		}
	}
	s.quiet()
}
