package main

import (
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	for line, want := range map[string]options{
		"":                                 {tasks: 100_000, rounds: 3, peers: peerNames},
		"--only asynq,jetstream":           {tasks: 100_000, rounds: 3, peers: []string{"jetstream", "asynq"}},
		"--only river,river --json":        {tasks: 100_000, rounds: 3, peers: []string{"river"}, json: true},
		"--tasks 7 --rounds=1 -only=river": {tasks: 7, rounds: 1, peers: []string{"river"}},
	} {
		if got, err := parse(strings.Fields(line), io.Discard); !reflect.DeepEqual(got, want) || err != nil {
			t.Errorf("%q: %+v, %v; want %+v", line, got, err, want)
		}
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for line, say := range map[string]string{
		"--tasks 0":           "--tasks 0",
		"--rounds -1":         "--rounds -1",
		"--only redis":        `"redis"`,
		"--only asynq,":       `""`,
		"--only asynq, river": `"river"`,
		"asynq":               `"asynq"`,
		"--tasks many":        `"many"`,
	} {
		var stderr strings.Builder
		if _, err := parse(strings.Fields(line), &stderr); err == nil || !strings.Contains(stderr.String(), say) {
			t.Errorf("%q: %v, told %q; want %s", line, err, stderr.String(), say)
		}
	}
}
