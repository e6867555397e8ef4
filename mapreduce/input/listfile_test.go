package input_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/input"
)

func TestListStandsForItsNames(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i := range 3000 {
		name := filepath.Join(dir, fmt.Sprintf("with\nnewline %d", i))
		if err := os.WriteFile(name, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	list, err := input.WriteList(filepath.Join(t.TempDir(), "list"), names)
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	summary, err := input.Plan(context.Background(), []string{list, names[0]}, input.PlanConfig{
		Store: func(chunk mapreduce.PlanChunk) error {
			for _, source := range chunk.Sources {
				sources = append(sources, source.Name)
			}
			return nil
		},
	})
	if err != nil || summary.Bytes != 2*3001 || sources[0] != names[0] || sources[2999] != names[2999] {
		t.Errorf("planned %+v: %v", summary, err)
	}
}

func TestListThatWasCutIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte("/a\x00/b"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"list://" + path, "list:///no/such/list"} {
		_, err := input.Plan(context.Background(), []string{list}, input.PlanConfig{Store: func(mapreduce.PlanChunk) error { return nil }})
		if !mapreduce.IsPermanent(err) {
			t.Errorf("%s: %v", list, err)
		}
	}
}
