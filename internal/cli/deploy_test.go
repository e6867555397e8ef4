package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/roles"
	"jetreduce/mapreduce/programs"
)

// What stands in deploy/ and in the compose files is what users paste. These tests hold it against the binary and against itself; whether
// a cluster takes it they cannot say.

const manifests = "../../deploy/kubernetes"

// object is what these tests read of a Kubernetes object.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		ServiceName    string
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
	Resources          []string
	ConfigMapGenerator []struct {
		Name  string
		Files []string
	}
}

type labels struct{ MatchLabels map[string]string }

type template struct {
	Metadata struct{ Labels, Annotations map[string]string }
	Spec     struct{ Containers []pod }
}

// pod is a container of one.
type pod struct {
	Image                                       string
	Args                                        []string
	Ports                                       []port
	StartupProbe, ReadinessProbe, LivenessProbe *probe
	SecurityContext                             struct{ AllowPrivilegeEscalation, ReadOnlyRootFilesystem *bool }
}

type port struct{ Name string }

type probe struct {
	Exec    *struct{ Command []string }
	HTTPGet *struct{ Path, Port string }
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

// objects are those of all manifests.
func objects(t *testing.T) (all []object) {
	t.Helper()
	files, err := filepath.Glob(manifests + "/*/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d manifests: %v", len(files), err)
	}
	for _, file := range files {
		all = append(all, readYAML[object](t, file)...)
	}
	return all
}

// checkCommand wants a command line that this binary takes.
func checkCommand(t *testing.T, where string, args []string) {
	t.Helper()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	cmd, rest, err := newRoot(Terminal{}, set).Find(args)
	if err == nil && !cmd.HasParent() {
		err = errors.New("there is no such command")
	}
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil && cmd.Args != nil {
		err = cmd.Args(cmd, cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("%s: jetreduce %s: %v", where, strings.Join(args, " "), err)
	}
}

func TestManifestsRunCommandsThatThereAre(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, o := range objects(t) {
		if o.Spec.Template == nil {
			continue
		}
		for _, c := range o.Spec.Template.Spec.Containers {
			ran++
			checkCommand(t, o.Metadata.Name, c.Args)
			for _, p := range []*probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
				checkProbe(t, o.Metadata.Name, c, p)
			}
			if c.Image != "jetreduce" || c.SecurityContext.ReadOnlyRootFilesystem == nil || c.SecurityContext.AllowPrivilegeEscalation == nil {
				t.Errorf("%s: image %s, %+v", o.Metadata.Name, c.Image, c.SecurityContext)
			}
		}
	}
	if ran != 3 {
		t.Errorf("%d containers, want bus, coordinator and worker", ran)
	}
}

// checkProbe wants a probe that something answers: this binary, the page of a coordinator, or the monitoring endpoint of a nats-server.
func checkProbe(t *testing.T, where string, c pod, p *probe) {
	t.Helper()
	switch {
	case p == nil:
	case p.Exec != nil:
		if p.Exec.Command[0] != "/jetreduce" {
			t.Errorf("%s: there is no %s in the image", where, p.Exec.Command[0])
		}
		checkCommand(t, where, p.Exec.Command[1:])
	case !slices.ContainsFunc(c.Ports, func(port port) bool { return port.Name == p.HTTPGet.Port }):
		t.Errorf("%s: no port is called %s", where, p.HTTPGet.Port)
	case p.HTTPGet.Port == "http":
		checkSays(t, "../../web/server.go", `"GET `+p.HTTPGet.Path+`"`)
	case !regexp.MustCompile(`^/healthz\?js-(server|enabled)-only=true$`).MatchString(p.HTTPGet.Path):
		t.Errorf("%s: %s", where, p.HTTPGet.Path)
	}
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
	files, _ := filepath.Glob(manifests + "/*/*.yaml")
	for _, file := range files {
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
