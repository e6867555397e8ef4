package cli

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// process is one as Linux shows it.
type process struct{ pid, parent, line string }

// processFiles writes processes as /proc has them.
func processFiles(t *testing.T, all ...process) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, p := range all {
		stat := p.pid + " (a ) name 1 1) S " + p.parent + " 1 1 0"
		err := errors.Join(os.Mkdir(filepath.Join(dir, p.pid), 0o755),
			os.WriteFile(filepath.Join(dir, p.pid, "cmdline"), []byte(strings.ReplaceAll(p.line, " ", "\x00")+"\x00"), 0o600),
			os.WriteFile(filepath.Join(dir, p.pid, "stat"), []byte(stat), 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Nobody is well who was not asked: an init process or a shell before the daemon is seen through, or it is said what to pass.
func TestHealthFindsTheDaemonOfAContainer(t *testing.T) {
	t.Parallel()
	shell := process{"1", "0", "/bin/sh /start"}
	for _, one := range []struct {
		what, daemon, says string
		all                []process
	}{
		{"itself", workerDaemon, "", []process{{"1", "0", "/jetreduce worker"}}},
		{"an init process", workerDaemon, "", []process{{"1", "0", "/sbin/docker-init -- /jetreduce worker"}, {"7", "1", "/jetreduce worker"}}},
		{"a shell", busDaemon, "", []process{shell, {"7", "1", "sleep 9"}, {"8", "1", "jetreduce bus"}, {"9", "0", "/jetreduce health"}}},
		{"another container's", "", "process 1 is not jetreduce", []process{shell, {"12", "11", "jetreduce bus"}}},
		{"two", "", "several daemons of jetreduce here (bus, worker)",
			[]process{shell, {"7", "1", "jetreduce bus"}, {"8", "1", "jetreduce worker"}}},
		{"a script that ends with our name", "", "process 1 is not", []process{{"1", "0", "sh -c true;\texec\t/jetreduce"}}},
		{"none", "", "jetreduce health worker --server URL", []process{shell}},
		{"a log of our name", "", "process 1 is not", []process{{"1", "0", "tail -f /var/log/jetreduce"}}},
		{"a user of our name", workerDaemon, "", []process{{"1", "0", "tini -- gosu jetreduce jetreduce worker"}}},
		{"a job behind an init process", "", "", []process{{"1", "0", "tini -- /jetreduce run wordcount worker"}}},
		{"a job", "", "", []process{{"1", "0", "/jetreduce run wordcount worker"}}},
		{"no Linux", "", "process 1 is not jetreduce", nil},
	} {
		found, err := daemonHere(processFiles(t, one.all...))
		if found.daemon != one.daemon || (err != nil) != (one.says != "") || err != nil && !strings.Contains(err.Error(), one.says) {
			t.Errorf("%s: %q, %v: want %q, %q", one.what, found.daemon, err, one.daemon, one.says)
		}
	}
}

// healthHere asks for the health of what such processes run.
func healthHere(t *testing.T, all ...process) (said string, err error) {
	t.Helper()
	var out bytes.Buffer
	f := &healthFlags{look: look{terminal: Terminal{Out: &out, Err: io.Discard}}, timeout: time.Minute, host: hostName()}
	cmd := f.look.register(&cobra.Command{})
	cmd.SetContext(t.Context())
	err = f.runHere(cmd, processFiles(t, all...))
	return out.String(), err
}

func TestHealthOfNobodyIsNone(t *testing.T) {
	t.Parallel()
	if said, err := healthHere(t, process{"1", "0", "sleep 9"}); exitCode(err) != exitOther || said != "" {
		t.Errorf("%q, %v: want an error, and no word of health", said, err)
	}
	if said, err := healthHere(t, process{"1", "0", "/jetreduce run"}); err != nil || !strings.Contains(said, "none is missed") {
		t.Errorf("%q, %v", said, err)
	}
}

// certificateFor writes a certificate that vouches for itself, and for these names alone.
func certificateFor(t *testing.T, names ...string) bus.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: names,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	secret, err2 := x509.MarshalECPrivateKey(key)
	files := bus.TLS{Cert: filepath.Join(t.TempDir(), "tls.crt"), Key: filepath.Join(t.TempDir(), "tls.key")}
	err = errors.Join(err, err2,
		os.WriteFile(files.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(files.Key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// serving hosts a bus until the test ends.
func serving(t *testing.T, c bus.ServeConfig) (url string) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	c.Log = bustest.Quiet()
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- bus.Serve(ctx, c, func(url string) { ready <- url }) }()
	t.Cleanup(end)
	select {
	case url = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() { end(); <-ended })
	return url
}

// A bus is asked at the address that it says itself, also when the configuration says it or it has chosen the port; its own certificate
// counts, whatever name of this machine it is made out to.
func TestHealthOfABusIsAskedWhereItListensAndAsItsCertificateSays(t *testing.T) {
	t.Parallel()
	tls, config := certificateFor(t, "nowhere.invalid", "localhost"), filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(config, []byte("listen: '127.0.0.1:-1'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]bus.ServeConfig{
		"--addr 127.0.0.1:0 --tlscert " + tls.Cert + " --tlskey " + tls.Key: {Addr: "127.0.0.1:0", TLS: tls},
		"--config " + config: {Config: config},
	} {
		c.Store = t.TempDir()
		url := serving(t, c)
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(url, "tls://"), "nats://"))
		said, err := healthHere(t, process{"1", "0", "/jetreduce bus --store " + c.Store + " " + what})
		if err != nil || !strings.Contains(said, "JetStream answers at ") || !strings.Contains(said, port) {
			t.Errorf("%s: %q, %v", what, said, err)
		}
	}
}

// What the variables of its container say counts more: the bus itself reads none of them.
func TestVariablesSayHowTheHealthOfABusIsAsked(t *testing.T) {
	tls := certificateFor(t, "localhost")
	told := readHere([]string{"/jetreduce", "bus", "--addr", "127.0.0.1:5222", "--store", "/nowhere", "--tlscert", tls.Cert})
	for _, one := range []struct{ variable, server, ca string }{
		{"", "nats://localhost:5222", tls.Cert},
		{"NATS_URL", "", tls.Cert},
		{"NATS_CA", "nats://localhost:5222", ""},
		{"NATS_CONTEXT", "", ""},
	} {
		t.Run(one.variable, func(t *testing.T) {
			if one.variable != "" {
				t.Setenv(one.variable, "said")
			}
			cmd := newHealth(Terminal{})
			if err := told.adopt(t.Context(), cmd); err != nil {
				t.Fatal(err)
			}
			if server, ca := cmd.Flag("server").Value.String(), cmd.Flag("tlsca").Value.String(); server != one.server || ca != one.ca {
				t.Errorf("server %q, CA %q: want %q, %q", server, ca, one.server, one.ca)
			}
		})
	}
}

// A name in a certificate may be of another machine, which nobody asked about.
func TestNamesOfOtherMachinesAreNotAsked(t *testing.T) {
	t.Parallel()
	const url = "tls://127.0.0.1:4222"
	if got := asVouched(t.Context(), url, certificateFor(t, "192.0.2.1.invalid").Cert); got != url {
		t.Error(got)
	}
	if leadsHere(t.Context(), "192.0.2.1") || !leadsHere(t.Context(), "127.0.0.1") {
		t.Error("192.0.2.1 is nobody's, and 127.0.0.1 everybody's own")
	}
}
