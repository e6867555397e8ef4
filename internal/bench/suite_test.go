package bench_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jetreduce/internal/bench"
)

func measuring(name string, row bench.Row, err error) bench.Benchmark {
	return bench.Benchmark{Name: name, Measure: func(context.Context, *bench.Stage) ([]bench.Row, error) {
		if err != nil {
			return nil, err
		}
		return []bench.Row{row}, nil
	}}
}

func TestRowsAreJudgedByTheirTargets(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, c := range []struct {
		row  bench.Row
		want *bool
	}{
		{bench.Row{Ratio: 1.5, Target: bench.Target{Ratio: 1.5}}, &yes},
		{bench.Row{Ratio: 1.49, Target: bench.Target{Ratio: 1.5}}, &no},
		{bench.Row{Ours: 150, Target: bench.Target{Most: 150}}, &yes},
		{bench.Row{Ours: 151, Target: bench.Target{Most: 150}}, &no},
		{bench.Row{Ours: 151}, nil},
	} {
		rows, err := bench.Run(t.Context(), &bench.Stage{Dir: t.TempDir()}, []bench.Benchmark{measuring("x", c.row, nil)}, func(bench.Row) {})
		if err != nil || !cmp.Equal(rows[0].Reached, c.want) {
			t.Errorf("%+v: %v", rows, err)
		}
	}
}

func TestWhatCannotBeMeasuredIsSaidAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	stage := &bench.Stage{Dir: t.TempDir()}
	var told []string
	_, err := bench.Run(t.Context(), stage, []bench.Benchmark{
		measuring("broken", bench.Row{}, errors.New("a wrong answer\nwith details")), measuring("well", bench.Row{Measure: "well"}, nil),
	}, func(row bench.Row) { told = append(told, row.Measure+":"+row.Missing) })
	if err == nil || !strings.Contains(err.Error(), "broken: a wrong answer") || strings.Contains(err.Error(), "well") {
		t.Errorf("error %v", err)
	}
	if want := []string{"broken:a wrong answer", "well:"}; !cmp.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if left, err := os.ReadDir(stage.Dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestInterruptEndsTheSuite(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	stop := bench.Benchmark{Measure: func(context.Context, *bench.Stage) ([]bench.Row, error) {
		cancel(enough)
		return nil, nil
	}}
	_, err := bench.Run(ctx, &bench.Stage{Dir: t.TempDir()}, []bench.Benchmark{stop, {}}, func(bench.Row) { t.Error("a row") })
	if !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}

func TestSelectKeepsTheOrderAndKnowsNoOthers(t *testing.T) {
	t.Parallel()
	chosen, err := bench.Select([]string{"takeover", "wordcount-1g", "takeover"})
	if err != nil || len(chosen) != 2 || chosen[0].Name != "wordcount-1g" || chosen[1].Name != "takeover" {
		t.Errorf("%v: %v", chosen, err)
	}
	if all, err := bench.Select(nil); err != nil || len(all) != len(bench.Suite()) {
		t.Errorf("%d of all: %v", len(all), err)
	}
	if _, err := bench.Select([]string{"wordcount"}); err == nil {
		t.Error("an unknown name was taken")
	}
}

func TestInputsAreMadeOnceAndWhole(t *testing.T) {
	t.Parallel()
	stage, fails := &bench.Stage{Dir: t.TempDir()}, errors.New("no room")
	if _, err := bench.Input(stage, "x", func(w io.Writer) error { _, _ = io.WriteString(w, "half"); return fails }); !errors.Is(err, fails) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(stage.Dir); len(left) > 0 {
		t.Errorf("half an input was left: %v", left)
	}
	made := 0
	for range 2 {
		path, err := bench.Input(stage, "x", func(w io.Writer) error { made++; _, err := io.WriteString(w, "whole"); return err })
		if text, readErr := os.ReadFile(path); err != nil || readErr != nil || string(text) != "whole" {
			t.Fatalf("%q: %v, %v", text, err, readErr)
		}
	}
	if made != 1 {
		t.Errorf("made %d times", made)
	}
}

func TestPeersAreComparedWithTheFastestOfAKind(t *testing.T) {
	t.Parallel()
	peers, err := bench.ReadPeers(file(t, []byte(`{"name":"asynq","tasks_per_second":9000}
{"name":"asynq appendfsync always","tasks_per_second":2400}
{"name":"River, tuned","tasks_per_second":24000}
{"name":"another","tasks_per_second":10}
`)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range bench.AgainstPeers("tiny-tasks", 72_000, peers) {
		got = append(got, strings.TrimSpace(row.Measure+" "+row.Target.String()))
		if row.Ratio != 72_000/row.Baseline {
			t.Errorf("%+v", row)
		}
	}
	want := []string{
		"tiny-tasks ÷ asynq ≥ 8 ×", "tiny-tasks ÷ asynq appendfsync always", "tiny-tasks ÷ River, tuned ≥ 3 ×", "tiny-tasks ÷ another",
	}
	if !cmp.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPeersThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{`{"name":"x"}`, `{"tasks_per_second":1}`, `nothing`} {
		if _, err := bench.ReadPeers(file(t, []byte(bad))); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
