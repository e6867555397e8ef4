package roles_test

import (
	"strings"
	"testing"

	"jetreduce/internal/roles"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// A job that no worker could write must not be found out when all of its maps have run.
func TestJobIsRefusedForWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	complete := roles.Complete(set)
	for words, target := range map[string]mapreduce.Target{
		"unknown format": {Format: "xml"}, "unknown order": {Order: "klingon!"}, "": {Format: "csv", Order: "pt-u-ka-shifted-ks-level4"},
	} {
		_, err := complete(mapreduce.Job{Program: "wordcount", Inputs: []string{"/in"}, Output: target})
		if (err != nil) != (words != "") || err != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("%+v: %v", target, err)
		}
	}
}
