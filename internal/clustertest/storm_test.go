package clustertest

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Storm hits roles at random, from a seed.
type Storm struct {
	Seed   uint64
	Roles  []*Role
	Around func() // may be nil; what else happens now and then, while nobody is hit

	t     testing.TB
	luck  *rand.Rand
	gusts int
}

// NewStorm makes a storm with a seed of its own, or with that of JETREDUCE_HISTORY_SEED, and says which when the test fails.
func NewStorm(t testing.TB, roles ...*Role) *Storm {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("JETREDUCE_HISTORY_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("repeat with JETREDUCE_HISTORY_SEED=%d", seed)
	return &Storm{Seed: seed, Roles: roles, t: t, luck: rand.New(rand.NewPCG(seed, 0))}
}

// HistoryTime is how long histories are: 2 s, or JETREDUCE_HISTORY_SECONDS.
func HistoryTime() time.Duration {
	if seconds, err := strconv.Atoi(os.Getenv("JETREDUCE_HISTORY_SECONDS")); err == nil {
		return time.Duration(seconds) * time.Second
	}
	return 2 * time.Second
}

// Rage goes on until ctx ends or enough says so, and leaves all roles healed. The longer that takes, the longer gusts last: on a loaded
// machine standbys look more rarely, and most of what is short passes before any of them takes over.
func (s *Storm) Rage(ctx context.Context, enough func() bool) {
	for ctx.Err() == nil && !enough() {
		s.gust(ctx)
		s.gusts++
	}
}

// gust hits some roles, each in its own way, and heals them in some order.
func (s *Storm) gust(ctx context.Context) {
	strikes := []func(*Role){(*Role).Isolate, (*Role).Pause, (*Role).Deafen, nil, nil, nil, nil}
	var hit []*Role
	for _, r := range s.Roles {
		if strike := strikes[s.luck.IntN(len(strikes))]; strike != nil {
			strike(r)
			hit = append(hit, r)
		}
	}
	s.wait(ctx, 20*time.Millisecond, 300*time.Millisecond+time.Duration(s.gusts)*20*time.Millisecond)
	s.luck.Shuffle(len(hit), func(i, j int) { hit[i], hit[j] = hit[j], hit[i] })
	for _, r := range hit {
		r.Heal()
		s.wait(ctx, 0, 50*time.Millisecond)
	}
	if s.Around != nil && s.luck.IntN(5) == 0 {
		s.Around()
	}
	s.wait(ctx, 0, 200*time.Millisecond)
}

func (s *Storm) wait(ctx context.Context, least, most time.Duration) {
	pass(ctx, least+time.Duration(s.luck.Int64N(int64(most-least))))
}
