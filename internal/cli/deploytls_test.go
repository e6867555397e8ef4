package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// toldOf is how a manifest runs the bus.
func toldOf(t *testing.T, file, name string) (args []string) {
	t.Helper()
	for _, o := range readYAML[object](t, file) {
		if o.Spec.Template != nil && o.Metadata.Name == name {
			args = o.Spec.Template.Spec.Containers[0].Args
		}
	}
	if len(args) == 0 {
		t.Fatalf("%s says nothing of %s", file, name)
	}
	return args
}

// confHere is a configuration of deploy/ for this machine: with other ports, these files, and a name.
func confHere(t *testing.T, file, files string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	said := strings.NewReplacer(append(replace,
		"/etc/jetreduce-tls/tls.crt", files+"/server.pem", "/etc/jetreduce-tls/tls.key", files+"/server.key",
		"/etc/jetreduce-tls/ca.crt", files+"/ca.pem", "$SERVER_NAME", "a", "$POD_NAME", "jetreduce-bus-0",
		"$COORDINATOR_PASSWORD", "c1", "$WORKER_PASSWORD", "w1", "$CLIENT_PASSWORD", "u1", "$CLIENT_ADVERTISE", "localhost:4222",
	)...).Replace(string(text))
	said = regexp.MustCompile(`0\.0\.0\.0:[468]222\b`).ReplaceAllString(said, "'0.0.0.0:-1'")
	said = regexp.MustCompile(`nats://[a-z0-9.-]+:6222`).ReplaceAllString(said, "nats://127.0.0.1:1") // nobody
	conf := filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(conf, []byte(said), 0o600); err != nil {
		t.Fatal(err)
	}
	return conf
}

// A bus that does not open its doors ends at once, again and again: each configuration is served as the command beside it says.
func TestConfigurationsAreServedAsTheirCommandsSay(t *testing.T) {
	t.Parallel()
	ids := bustest.NewIdentities(t)
	for conf, args := range map[string][]string{
		manifests + "/base/bus.conf":        toldOf(t, manifests+"/base/bus.yaml", "jetreduce-bus"),
		manifests + "/tls/bus.conf":         toldOf(t, manifests+"/tls/bus.yaml", "jetreduce-bus"),
		"../../deploy/compose/cluster.conf": strings.Fields(servicesOf(t, "compose.cluster.yaml")["bus"].Command),
	} {
		insecure := slices.Contains(args, "--insecure")
		if insecure == strings.Contains(conf, "/tls/") {
			t.Errorf("%s: %v", conf, args)
		}
		serving(t, bus.ServeConfig{Store: t.TempDir(), Config: confHere(t, conf, ids.Dir), Insecure: insecure})
	}
}

// The overlay with TLS is the base in all else.
func TestConfigurationWithTLSIsThatOfTheBaseInAllElse(t *testing.T) {
	t.Parallel()
	var read [2]*server.Options
	ids := bustest.NewIdentities(t)
	for i, dir := range []string{"/base", "/tls"} {
		var err error
		if read[i], err = server.ProcessConfigFile(confHere(t, manifests+dir+"/bus.conf", ids.Dir)); err != nil {
			t.Fatal(err)
		}
	}
	if read[0].HTTPPort != read[1].HTTPSPort || read[0].HTTPSPort != 0 || read[1].HTTPPort != 0 {
		t.Errorf("monitoring is http at %d, %d and https at %d, %d", read[0].HTTPPort, read[1].HTTPPort, read[0].HTTPSPort, read[1].HTTPSPort)
	}
	if diff := cmp.Diff(besidesTLS(read[0]), besidesTLS(read[1])); diff != "" {
		t.Error(diff)
	}
	if c := read[1].Cluster; c.TLSConfig == nil || c.TLSConfig.ClientAuth != tls.RequireAndVerifyClientCert || read[1].TLSConfig == nil {
		t.Error("a server of the cluster need not show who it is")
	}
}

// besidesTLS is what a configuration says besides TLS.
func besidesTLS(o *server.Options) []string {
	text := []string{o.ServerName, o.Host, fmt.Sprint(o.Port), o.HTTPHost}
	text = append(text, o.Cluster.Name, o.Cluster.Host, fmt.Sprint(o.Cluster.Port), fmt.Sprint(o.Routes))
	for _, user := range o.Users {
		text = append(text, user.Username)
	}
	return text
}

// What the document has users make must be what the overlay's servers, its probes and its clients check.
func TestCertificatesOfTheDocumentAreWhatTheOverlayNeeds(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("openssl", "version").Output(); err != nil || !strings.HasPrefix(string(out), "OpenSSL 3") {
		t.Skipf("no OpenSSL 3 to make certificates with: %s%v", out, err)
	}
	text, err := os.ReadFile("../../docs/kubernetes.md")
	recipe := regexp.MustCompile("(?s)```sh\n(names=.*?)```").FindSubmatch(text)
	if err != nil || recipe == nil {
		t.Fatalf("docs/kubernetes.md makes no certificates: %v", err)
	}
	dir := t.TempDir()
	make := exec.Command("sh", "-ec", string(recipe[1]))
	make.Dir = dir
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	checkCertificate(t, dir, "bus", both, "127.0.0.1", "localhost", "jetreduce-bus-2.jetreduce-bus",
		"jetreduce-bus-0.jetreduce-bus.jetreduce.svc", "jetreduce-bus.jetreduce.svc.cluster.local")
	checkCertificate(t, dir, "page", both[:1], "127.0.0.1", "localhost", "jetreduce-page")
}

// checkCertificate wants a certificate of the authority beside it, for these names and each of these uses, with its key.
func checkCertificate(t *testing.T, dir, name string, uses []x509.ExtKeyUsage, names ...string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := bus.CheckCert(file+".crt", file+".key"); err != nil {
		t.Error(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	roots, cert := x509.NewCertPool(), certificateIn(file+".crt")
	if err != nil || !roots.AppendCertsFromPEM(ca) || cert == nil || cert.IsCA {
		t.Fatalf("%s: %v", file, err)
	}
	for _, host := range names {
		for _, use := range uses {
			options := x509.VerifyOptions{DNSName: host, Roots: roots, KeyUsages: []x509.ExtKeyUsage{use}}
			if _, err := cert.Verify(options); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
