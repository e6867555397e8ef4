package mapreduce_test

import (
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

func TestPoolAndPriorityOfAJobAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		pool     mapreduce.Pool
		priority int
		says     string // "": it is fine
	}{
		"none":      {"", 0, ""},
		"both":      {"gpu-large_2", 10, ""},
		"lowest":    {mapreduce.Pool(strings.Repeat("p", 32)), -10, ""},
		"long":      {mapreduce.Pool(strings.Repeat("p", 33)), 0, "use 1 to 32 of"},
		"subject":   {"a.b", 0, `pool "a.b"`},
		"wildcard":  {"*", 0, `pool "*"`},
		"too high":  {"", 11, "priority 11: use -10 to 10"},
		"too low":   {"", -11, "priority -11"},
		"two wrong": {"a b", 99, "priority 99"},
	} {
		job := mapreduce.Job{ID: "a", Program: "p", Inputs: []string{"/in"}, Pool: test.pool, Priority: test.priority}
		err := job.Validate()
		if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: error %v, want one that says %q", name, err, test.says)
		}
	}
}

// How soon is no part of the work; who does it is: workers of another pool may have other files.
func TestJobOfAnotherPoolIsAnotherAndOfAnotherPriorityIsNot(t *testing.T) {
	job := mapreduce.Job{ID: "a", Program: "p", Inputs: []string{"/in"}}
	urgent, named, other := job, job, job
	urgent.Priority, named.Pool, other.Pool = 3, mapreduce.DefaultPool, "gpu"
	if !job.Same(urgent) || !job.Same(named) || job.Same(other) {
		t.Errorf("the digests are %s, urgent %s, of the default pool %s, of another %s",
			job.Digest(), urgent.Digest(), named.Digest(), other.Digest())
	}
}
