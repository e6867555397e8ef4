package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// What stands in deploy/ and in the compose files is what users paste. These tests hold it against the binary and against itself; whether
// a cluster takes it they cannot say.

const manifests = "../../deploy/kubernetes"

// object is what these tests read of a Kubernetes object.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		ServiceName string

		PublishNotReadyAddresses bool
		PodManagementPolicy      string

		ScaleTargetRef struct{ Name string }
		PodSelector    *labels
		Selector       json.RawMessage
		Ports          []struct {
			Name string
			Port int
		}
		Template *template
		Triggers []struct{ Metadata map[string]string }
		Metrics  []struct {
			External struct {
				Metric struct {
					Name     string
					Selector labels
				}
				Target struct{ AverageValue string }
			}
		}
	}
	Resources []string
	Patches   []patch
}

// patch is what an overlay changes: a file, or the operations that stand here.
type patch struct {
	Path, Patch string
	Target      struct{ Kind, Name string }
}

type labels struct{ MatchLabels map[string]string }

type template struct {
	Metadata struct{ Labels, Annotations map[string]string }
	Spec     podSpec
}

type podSpec struct {
	AutomountServiceAccountToken *bool
	SecurityContext              map[string]any
	Containers                   []container
}

type container struct {
	Name, Image                                 string
	Args                                        []string
	Env                                         []variable
	Ports                                       []port
	StartupProbe, ReadinessProbe, LivenessProbe *probe
	SecurityContext                             map[string]any
}

type variable struct{ Name, Value string }

type port struct {
	Name          string
	ContainerPort int
}

type probe struct {
	Exec    *struct{ Command []string }
	HTTPGet *struct{ Scheme, Path, Port string }
}

// readYAML reads all documents of a file, of which it must know no more than asked for.
func readYAML[T any](t *testing.T, file string) (all []T) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var one T
		data, err := json.Marshal(document)
		if err == nil {
			err = json.Unmarshal(data, &one)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, one)
	}
}

// manifestFiles are those of all manifests but for patches, which are no whole objects.
func manifestFiles(t *testing.T) (files []string) {
	t.Helper()
	all, err := filepath.Glob(manifests + "/*/*.yaml")
	if err != nil || len(all) < 8 {
		t.Fatalf("%d manifests: %v", len(all), err)
	}
	patches := map[string]bool{}
	for _, file := range all {
		for _, o := range readYAML[object](t, file) {
			for _, p := range o.Patches {
				patches[filepath.Join(filepath.Dir(file), p.Path)] = true
			}
		}
	}
	return slices.DeleteFunc(all, func(file string) bool { return patches[filepath.Clean(file)] })
}

// objects are those of all manifests.
func objects(t *testing.T) (all []object) {
	t.Helper()
	for _, file := range manifestFiles(t) {
		all = append(all, readYAML[object](t, file)...)
	}
	return all
}

func checkSays(t *testing.T, file, words string) {
	t.Helper()
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), words) {
		t.Errorf("%s does not say %s: %v", file, words, err)
	}
}

// What selects pods must select some.
func TestManifestsFitEachOther(t *testing.T) {
	t.Parallel()
	all := objects(t)
	pods, names := map[string]map[string]string{}, map[string]bool{}
	for _, o := range all {
		names[o.Kind+"/"+o.Metadata.Name] = true
		if o.Spec.Template != nil {
			pods[o.Metadata.Name] = o.Spec.Template.Metadata.Labels
		}
	}
	for _, o := range all {
		for _, selected := range selections(t, o) {
			if len(selected) == 0 || !covers(pods, selected) {
				t.Errorf("%s %s selects %v: no pod is that", o.Kind, o.Metadata.Name, selected)
			}
		}
		if target := o.Spec.ScaleTargetRef.Name; target != "" && !names["Deployment/"+target] {
			t.Errorf("%s scales %s", o.Kind, target)
		}
		if service := o.Spec.ServiceName; service != "" && !names["Service/"+service] {
			t.Errorf("%s: no service %s", o.Metadata.Name, service)
		}
	}
}

// A file that no kustomization has is applied by nobody.
func TestEachManifestIsListed(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, o := range objects(t) {
		for _, resource := range o.Resources {
			listed[filepath.Base(resource)] = true
		}
	}
	for _, file := range manifestFiles(t) {
		if base := filepath.Base(file); base != "kustomization.yaml" && !listed[base] {
			t.Errorf("no kustomization has %s", file)
		}
	}
}

// selections are the labels by which an object chooses pods.
func selections(t *testing.T, o object) (all []map[string]string) {
	t.Helper()
	if o.Spec.PodSelector != nil {
		all = append(all, o.Spec.PodSelector.MatchLabels)
	}
	if len(o.Spec.Selector) == 0 {
		return all
	}
	var matched labels
	if o.Kind == "Service" {
		if err := json.Unmarshal(o.Spec.Selector, &matched.MatchLabels); err != nil {
			t.Fatal(err)
		}
	} else if err := json.Unmarshal(o.Spec.Selector, &matched); err != nil {
		t.Fatal(err)
	}
	return append(all, matched.MatchLabels)
}

func covers(pods map[string]map[string]string, selected map[string]string) bool {
	for _, labels := range pods {
		found := true
		for name, value := range selected {
			found = found && labels[name] == value
		}
		if found {
			return true
		}
	}
	return false
}
