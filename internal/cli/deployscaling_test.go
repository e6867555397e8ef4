package cli

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/roles"
)

// What scales workers says how many there are: an overlay that names a number, too, sets it back at each apply.
func TestOverlaysThatScaleLeaveTheNumberToTheScaler(t *testing.T) {
	t.Parallel()
	looked := 0
	for _, overlay := range []string{"keda", "hpa"} {
		var scaled string
		dir := filepath.Join(manifests, overlay)
		for _, o := range append(readAll(t, dir, "scaledobject.yaml"), readAll(t, dir, "hpa.yaml")...) {
			scaled = o.Spec.ScaleTargetRef.Name
		}
		for _, p := range readAll(t, dir, "kustomization.yaml")[0].Patches {
			if p.Target.Kind == "Deployment" && p.Target.Name == scaled && removes(t, p.Patch, "/spec/replicas") {
				looked++
			}
		}
		checkRendered(t, dir, scaled)
	}
	if looked != 2 {
		t.Errorf("%d overlays remove the number of the workers, want keda and hpa", looked)
	}
}

// readAll are the objects of a file of a directory that may have none of that name.
func readAll(t *testing.T, dir, name string) []object {
	t.Helper()
	if found, _ := filepath.Glob(filepath.Join(dir, name)); len(found) == 0 {
		return nil
	}
	return readYAML[object](t, filepath.Join(dir, name))
}

func removes(t *testing.T, operations, path string) bool {
	t.Helper()
	var all []struct{ Op, Path string }
	if err := yaml.Unmarshal([]byte(operations), &all); err != nil {
		t.Fatal(err)
	}
	return slices.Contains(all, struct{ Op, Path string }{"remove", path})
}

// checkRendered has kustomize say the same, where there is one.
func checkRendered(t *testing.T, dir, scaled string) {
	t.Helper()
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Logf("without kubectl nobody builds %s: only its files were read", dir)
		return
	}
	built, err := exec.Command("kubectl", "kustomize", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range strings.Split(string(built), "\n---\n") {
		var o struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct{ Replicas *int }
		}
		if err := yaml.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		if o.Kind == "Deployment" && o.Metadata.Name == scaled && o.Spec.Replicas != nil {
			t.Errorf("%s: %s has %d replicas", dir, scaled, *o.Spec.Replicas)
		}
	}
}

// KEDA takes a name that is wrong for an endless queue. So the names are looked up on a bus that was set up.
func TestScalersLookAtTheQueueThatThereIs(t *testing.T) {
	t.Parallel()
	s := bustest.StartBare(t)
	if err := s.Bus().SetUp(t.Context(), bus.SetUp{Classes: roles.Classes()}); err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, o := range objects(t) {
		for _, trigger := range o.Spec.Triggers {
			looked++
			subject := "$JS.API.CONSUMER.INFO." + trigger.Metadata["stream"] + "." + trigger.Metadata["consumer"]
			answer, err := s.Conn().Request(subject, nil, answerWait)
			if err != nil || !strings.Contains(string(answer.Data), `"filter_subject"`) {
				t.Errorf("%s: %v %s", subject, err, answer.Data)
			}
			checkSlots(t, trigger.Metadata["lagThreshold"])
		}
		for _, metric := range o.Spec.Metrics {
			looked++
			checkSays(t, "../../web/metrics.go", `"`+metric.External.Metric.Name+`"`)
			if class := metric.External.Metric.Selector.MatchLabels["class"]; class != string(roles.Class) {
				t.Errorf("class %s", class)
			}
			checkSlots(t, metric.External.Target.AverageValue)
		}
	}
	if looked != 2 {
		t.Errorf("%d scalers, want KEDA's and that by metrics", looked)
	}
}
