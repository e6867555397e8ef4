package cli

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"
)

func TestRoleEndsBeforeWhatItNeeds(t *testing.T) {
	defer goleak.VerifyNone(t)
	for range 100 {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan string, 2)
		until := func(name string) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				ended <- name
				return nil
			}
		}
		go stop()
		err := beside(ctx, until("bus"), until("role"))
		if first := <-ended; err != nil || first != "role" {
			t.Fatalf("%s ended first: %v", first, err)
		}
	}
}

func TestWhatARoleNeedsEndsIt(t *testing.T) {
	defer goleak.VerifyNone(t)
	full, fell := errors.New("disk full"), errors.New("fell")
	giveUp := func(context.Context) error { return full }
	if err := beside(t.Context(), giveUp, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); !errors.Is(err, full) ||
		errors.Is(err, context.Canceled) {
		t.Errorf("the bus gave up: %v", err)
	}
	wait := func(ctx context.Context) error { <-ctx.Done(); return nil }
	if err := beside(t.Context(), wait, func(context.Context) error { return fell }); !errors.Is(err, fell) {
		t.Errorf("the role fell: %v", err)
	}
	if err := beside(t.Context(), wait, func(context.Context) error { return nil }); err != nil {
		t.Errorf("all went well: %v", err)
	}
}

func TestProcessNameIsOneWhateverTheHostIsCalled(t *testing.T) {
	for host, want := range map[string]string{
		"": "-", "node-1": "node-1-", "Ünit.example": "--nit-example-",
		"a-name-of-thirty-nine-letters-and-then-öä": "a-name-of-thirty-nine-letters-and-then----",
	} {
		if got := processName(host); got[:len(got)-6] != want[:min(len(want), 41)] {
			t.Errorf("host %q: %q, want %q and six more", host, got, want)
		}
	}
}
