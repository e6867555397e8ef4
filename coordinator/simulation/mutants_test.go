package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A mutant is the coordinator with one line that is wrong. The simulation is worth as much as it finds of them: each is built
// beside the tree, by an overlay, and run until something that was promised does not hold.
//
//	coordinator/*.go ─▶ one replacement ─▶ go test -c -overlay ─▶ seeds 1, 2, 3 … ─▶ a violation

const (
	huntEnv   = "JETREDUCE_HUNT" // the name of the weather to hunt in
	huntSeeds = 4000             // so many seeds at most
	huntTime  = 5 * time.Minute  // a build and a hunt take seconds; on a busy machine more
)

// weathers are what mutants are hunted in: the storm, or what rarely comes together in it.
func weathers() map[string]Chaos {
	return map[string]Chaos{
		"storm":      Storm(),
		"takeovers":  {LeaderCrashes: 0.05, AttemptSlow: 0.3, AttemptFails: 0.05, AnswerLost: 0.1},
		"losses":     {RunsLost: 0.5},
		"outages":    {LanesAway: 0.5},
		"stragglers": {RunsLost: 0.5, AttemptSlow: 0.5, TaskDoubled: 0.3},
		"doubles":    {TaskDoubled: 0.3, AttemptSlow: 0.2, AnswerLost: 0.3, WatchDelayed: 0.2},
		"repeats":    {LeaderCrashes: 0.05, WriteRepeats: 1, StandbyCrashes: 0.05},
		"pools":      {WorkerCrashes: 0.1, WorkerStops: 0.1, LeaderCrashes: 0.01},
		"users":      {Meddling: 1, LeaderCrashes: 0.02, WorkerPauses: 0.05},
	}
}

// Each mutant costs a build of the core: all are found by `make simulate`, every so manieth by each run of the tests.
const (
	mutantsEnv      = "JETREDUCE_MUTANTS"
	sampleOfMutants = 6
)

func TestMutantsOfTheCoreAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the core anew for each mutant: run it without -short")
	}
	compiler, err := exec.LookPath("go")
	if err != nil {
		t.Skip("it builds mutants: put the go command on PATH")
	}
	if _, err := os.Stat("../doc.go"); err != nil {
		t.Skipf("it builds mutants of the sources, which are not here: run it by go test: %v", err)
	}
	t.Parallel()
	for i, m := range mutants() {
		if i%sampleOfMutants != 0 && os.Getenv(mutantsEnv) == "" {
			continue
		}
		t.Run(strings.ReplaceAll(m.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			m.seek(t, compiler)
		})
	}
}

// seek builds the mutant and hunts it. The core itself must hold where the mutant does not.
func (m mutant) seek(t *testing.T, compiler string) {
	ctx, cancel := context.WithTimeout(t.Context(), huntTime)
	defer cancel()
	binary := m.build(ctx, t, compiler)
	weather := m.weather
	if weather == "" {
		weather = "storm"
	}
	hunt := exec.CommandContext(ctx, binary)
	hunt.Env = append(os.Environ(), huntEnv+"="+weather)
	out, err := hunt.CombinedOutput()
	if err != nil {
		t.Fatalf("hunt in %s: %v\n%s", weather, err, out)
	}
	var seed uint64
	if _, err := fmt.Sscanf(string(out), "seed %d:", &seed); err != nil {
		t.Fatalf("survives %d seeds of %s: the checks do not see that the core is broken", huntSeeds, weather)
	}
	if result := Run(Config{Seed: seed, Chaos: weathers()[weather]}); result.Violation != nil {
		t.Errorf("the core itself does not hold in %s: %s", weather, result)
	}
	t.Logf("%s, %s", weather, strings.TrimSpace(string(out)))
}

// build makes a binary of this package with the mutant for a core.
func (m mutant) build(ctx context.Context, t *testing.T, compiler string) (binary string) {
	dir := t.TempDir()
	original, err := filepath.Abs(filepath.Join("..", m.file))
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(dir, m.file)
	write(t, changed, []byte(m.change(t, original)))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), overlay)
	binary = filepath.Join(dir, "mutant")
	build := exec.CommandContext(ctx, compiler, "test", "-c", "-vet=off", "-ldflags=-s -w",
		"-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// change is the source with the one replacement.
func (m mutant) change(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		t.Fatalf("%s has this text %d times, it must be once; the core has changed, change the table of mutants too:\n%s", m.file, n, m.old)
	}
	return strings.Replace(string(text), m.old, m.new, 1)
}

func write(t *testing.T, path string, text []byte) {
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// hunt runs seeds until a violation is found, and says which.
func hunt(weather string) (code int) {
	chaos, known := weathers()[weather]
	if !known {
		fmt.Printf("there is no weather %q\n", weather)
		return 1
	}
	for seed := uint64(1); seed <= huntSeeds; seed++ {
		if result := Run(Config{Seed: seed, Chaos: chaos}); result.Violation != nil {
			fmt.Printf("seed %d: %.300s\n", seed, result.Violation)
			return 0
		}
	}
	fmt.Println("survived")
	return 0
}
