package cli

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"jetreduce/mapreduce/programs"
)

// checkCommand wants a command line that this binary takes, and not only reads.
func checkCommand(t *testing.T, where string, args []string) {
	t.Helper()
	if err := taken(args); err != nil {
		t.Errorf("%s: jetreduce %s: %v", where, strings.Join(args, " "), err)
	}
}

func taken(args []string) error {
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		return err
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
		return err
	}
	return ownCheck(cmd, rest, set)
}

// ownCheck is what a daemon checks of its flags before it does anything.
func ownCheck(cmd *cobra.Command, flags []string, set programs.Set) error {
	again := &cobra.Command{Use: cmd.Name()}
	switch cmd.Name() {
	case "coordinator", "backup":
		var f coordinatorFlags
		f.one.register(f.command(Terminal{}, set, again))
		return errors.Join(again.ParseFlags(flags), f.check(again))
	case "worker":
		var f workerFlags
		f.register(again)
		err := again.ParseFlags(flags)
		f.root, f.scratch = "/", "/" // those of a container are not here
		_, wrong := f.original.meant(again)
		return errors.Join(err, wrong, f.check())
	case "bus":
		value := func(name string) string { return cmd.Flag(name).Value.String() }
		f := busFlags{addr: value("addr"), config: value("config"), insecure: value("insecure") == "true"}
		f.tls.Cert, f.tls.Key, f.tls.CA = value("tlscert"), value("tlskey"), value("tlsca")
		return f.check()
	}
	return nil
}

// A check that takes everything would find nothing.
func TestCommandsThatTheBinaryRefusesAreFound(t *testing.T) {
	t.Parallel()
	for line, taking := range map[string]bool{
		"coordinator --http 0.0.0.0:8080 --insecure": true, "coordinator --http 0.0.0.0:8080": false,
		"coordinator --http 0.0.0.0:8080 --http-tlscert c --http-tlskey k": true, "coordinator --http 0.0.0.0:8080 --http-tlscert c": false,
		"backup --exec": false, "backup --exec nobody": false, "backup": true,
		"bus --addr 0.0.0.0:4222": false, "bus --addr 0.0.0.0:4222 --insecure": true, "bus --tlscert c": false,
		"worker --root /data --slots 2": true, "worker --pool a/b": false, "worker --slots none": false, "worker data": false,
		"health worker": true, "health page": false, "nothing": false,
	} {
		if err := taken(strings.Fields(line)); (err == nil) != taking {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestManifestsRunCommandsThatThereAre(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, o := range objects(t) {
		if o.Spec.Template == nil {
			continue
		}
		checkConfined(t, o)
		for _, c := range o.Spec.Template.Spec.Containers {
			ran++
			checkCommand(t, o.Metadata.Name, c.Args)
			for _, p := range []*probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
				checkProbe(t, o.Metadata.Name, c, p)
			}
			if c.Image != "jetreduce" {
				t.Errorf("%s: image %s", o.Metadata.Name, c.Image)
			}
			checkScraped(t, o, c)
		}
	}
	if ran != 3 {
		t.Errorf("%d containers, want bus, coordinator and worker", ran)
	}
}

// checkConfined wants what the restricted standard of the namespace wants, and a root that nobody writes to.
func checkConfined(t *testing.T, o object) {
	t.Helper()
	const user = 65532.0 // of the image
	spec := o.Spec.Template.Spec
	profile := map[string]any{"type": "RuntimeDefault"}
	pod := map[string]any{"runAsNonRoot": true, "runAsUser": user, "runAsGroup": user, "seccompProfile": profile}
	if o.Metadata.Name != "jetreduce-coordinator" { // which has no volume that lasts
		pod["fsGroup"] = user
	}
	if diff := cmp.Diff(pod, spec.SecurityContext); diff != "" {
		t.Errorf("%s: %s", o.Metadata.Name, diff)
	}
	if token := spec.AutomountServiceAccountToken; token == nil || *token {
		t.Errorf("%s has a token of the cluster", o.Metadata.Name)
	}
	own := map[string]any{
		"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": map[string]any{"drop": []any{"ALL"}},
	}
	for _, c := range spec.Containers {
		if diff := cmp.Diff(own, c.SecurityContext); diff != "" {
			t.Errorf("%s: %s", o.Metadata.Name, diff)
		}
	}
	checkSays(t, "../../Dockerfile", "USER 65532:65532")
}

// checkProbe wants a probe that something answers: this binary, the page of a coordinator, or the monitoring endpoint of a nats-server.
func checkProbe(t *testing.T, where string, c container, p *probe) {
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
	case p.HTTPGet.Port != "monitor": // what the bus answers there: see the test of three servers
		t.Errorf("%s: nobody answers at %s", where, p.HTTPGet.Port)
	}
}

// checkScraped wants metrics where the annotations say.
func checkScraped(t *testing.T, o object, c container) {
	t.Helper()
	says := o.Spec.Template.Metadata.Annotations
	if says["prometheus.io/scrape"] == "" {
		return
	}
	checkSays(t, "../../web/server.go", `"GET `+says["prometheus.io/path"]+`"`)
	i := slices.Index(c.Args, "--http")
	_, served, err := net.SplitHostPort(c.Args[i+1])
	opened := slices.ContainsFunc(c.Ports, func(p port) bool { return strconv.Itoa(p.ContainerPort) == served })
	if err != nil || says["prometheus.io/port"] != served || !opened {
		t.Errorf("%s: scraped at %s, served at %s, %v: %v", o.Metadata.Name, says["prometheus.io/port"], served, c.Ports, err)
	}
}
