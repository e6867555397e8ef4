package roles

import (
	"context"
	"errors"
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// crowdedLease cannot be given back: the bus takes no writes.
type crowdedLease struct{}

func (crowdedLease) Acquire(context.Context, mapreduce.Epoch) (mapreduce.Epoch, error) {
	return 27, nil
}

func (crowdedLease) Renew(context.Context, mapreduce.Epoch) error { return nil }

func (crowdedLease) Release(context.Context, mapreduce.Epoch) error {
	return errors.New("the bus has no room left")
}

// A leader that has resigned is not said to lead, also when it could not give the lease back.
func TestLeaderThatHasResignedIsNotSaidToLead(t *testing.T) {
	s := &Signs{}
	lease := s.lease(crowdedLease{})
	if err := lease.Renew(t.Context(), 27); err != nil {
		t.Fatal(err)
	}
	if _, words := s.Tell(); !strings.Contains(words, "it leads, epoch 27, and renewed its lease") {
		t.Error(words)
	}
	if err := lease.Release(t.Context(), 27); err == nil {
		t.Error("the error is lost")
	}
	if _, words := s.Tell(); !strings.Contains(words, "it led, epoch 27, and resigned") {
		t.Error(words)
	}
}
