package cli

import (
	"os"
	"path/filepath"
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

func TestComposeFilesRunCommandsThatThereAre(t *testing.T) {
	t.Parallel()
	type file struct {
		Services map[string]struct {
			Command     string
			Healthcheck struct{ Test []string }
		}
	}
	ran := 0
	for _, name := range []string{"compose.yaml", "compose.cluster.yaml"} {
		for service, s := range readYAML[file](t, filepath.Join("../..", name))[0].Services {
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
