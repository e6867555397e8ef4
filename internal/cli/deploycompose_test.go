package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const answerWait = 10 * time.Second

// checkSlots wants a scaler's target that is the number of slots of a worker.
func checkSlots(t *testing.T, target string) {
	t.Helper()
	for _, o := range objects(t) {
		if o.Metadata.Name != "jetreduce-worker" || o.Spec.Template == nil {
			continue
		}
		args := o.Spec.Template.Spec.Containers[0].Args
		if i := slices.Index(args, "--slots"); i < 0 || args[i+1] != target {
			t.Errorf("a scaler wants %s tasks a worker, which is started with %v", target, args)
		}
	}
}

// service is what these tests read of one in a compose file.
type service struct {
	Command     string
	Healthcheck struct{ Test []string }
	CPUs        string
	ReadOnly    bool     `json:"read_only"`
	CapDrop     []string `json:"cap_drop"`
	SecurityOpt []string `json:"security_opt"`
}

func servicesOf(t *testing.T, file string) map[string]service {
	t.Helper()
	return readYAML[struct{ Services map[string]service }](t, filepath.Join("../..", file))[0].Services
}

func TestComposeFilesRunCommandsThatThereAre(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, name := range []string{"compose.yaml", "compose.cluster.yaml"} {
		for service, s := range servicesOf(t, name) {
			if s.Command != "" {
				ran++
				checkCommand(t, name+" "+service, strings.Fields(s.Command))
			}
			if test := s.Healthcheck.Test; len(test) > 0 {
				checkCommand(t, name+" "+service, test[2:])
			}
		}
	}
	if ran != 7 {
		t.Errorf("%d services with a command, want four and three", ran)
	}
}

// An engine refuses more processors than the machine has: each number is a variable, and the document names it with its default.
func TestComposeFilesLeaveProcessorsToTheMachine(t *testing.T) {
	t.Parallel()
	cpus := regexp.MustCompile(`^\$\{(JETREDUCE_[A-Z]+_CPUS):-([0-9.]+)\}$`)
	looked := 0
	for _, file := range []string{"compose.yaml", "compose.cluster.yaml"} {
		for name, s := range servicesOf(t, file) {
			if s.CPUs == "" && file != "compose.yaml" { // it adds to a service of the other
				continue
			}
			looked++
			said := cpus.FindStringSubmatch(s.CPUs)
			if said == nil {
				t.Errorf("%s: %s has %q processors", file, name, s.CPUs)
				continue
			}
			checkDocumented(t, said[1], said[2])
		}
	}
	if looked != 6 {
		t.Errorf("%d services with processors, want four and two", looked)
	}
}

func checkDocumented(t *testing.T, variable, otherwise string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/containers.md")
	row := regexp.MustCompile(`(?m)^\| [^|]*` + "`" + variable + "`" + `[^|]*\|[^|]*\| ` + regexp.QuoteMeta(otherwise) + ` \|$`)
	if err != nil || !row.Match(text) {
		t.Errorf("docs/containers.md has no row of %s, which is %s: %v", variable, otherwise, err)
	}
}

func TestComposeFilesConfineWhatTheyRun(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"compose.yaml", "compose.cluster.yaml"} {
		for name, s := range servicesOf(t, file) {
			if file != "compose.yaml" && name != "bus-b" && name != "bus-c" {
				continue
			}
			if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
				t.Errorf("%s: %s: %+v", file, name, s)
			}
		}
	}
}

// The files that our own servers read must be such.
func TestConfigurationsOfBusServersAreRead(t *testing.T) {
	for variable, value := range map[string]string{
		"SERVER_NAME": "a", "POD_NAME": "jetreduce-bus-0", "COORDINATOR_PASSWORD": "c1", "WORKER_PASSWORD": "w1", "CLIENT_PASSWORD": "u1",
	} {
		t.Setenv(variable, value)
	}
	for _, file := range []string{"../../deploy/compose/cluster.conf", "../../deploy/kubernetes/base/bus.conf"} {
		options, err := server.ProcessConfigFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(options.Routes) != 3 || options.Cluster.Name != "jetreduce" || options.ServerName == "" || options.Port != 4222 {
			t.Errorf("%s: %v, cluster %q, server %q, port %d", file, options.Routes, options.Cluster.Name, options.ServerName, options.Port)
		}
	}
	if _, err := os.Stat("../../.dockerignore"); err != nil {
		t.Error(err)
	}
}
