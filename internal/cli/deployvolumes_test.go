package cli

import (
	"strings"
	"testing"
)

// What a single server has written, a cluster must not be started on.
func TestServersOfTheClusterHaveVolumesOfTheirOwn(t *testing.T) {
	t.Parallel()
	type file struct {
		Services map[string]struct{ Volumes []string }
	}
	alone := readYAML[file](t, "../../compose.yaml")[0]
	cluster := readYAML[file](t, "../../compose.cluster.yaml")[0]
	store := func(f file, service string) string {
		for _, volume := range f.Services[service].Volumes {
			if name, is := strings.CutSuffix(volume, ":/store"); is {
				return name
			}
		}
		return ""
	}
	used := map[string]string{store(alone, "bus"): "compose.yaml"}
	for _, service := range []string{"bus", "bus-b", "bus-c"} {
		name := store(cluster, service)
		if other := used[name]; name == "" || other != "" {
			t.Errorf("%s of the cluster stores in %q, which is that of %q", service, name, other)
		}
		used[name] = service
	}
}
