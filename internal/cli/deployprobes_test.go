package cli

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
	"jetreduce/internal/processtest"
)

// three are the servers of the overlay with TLS, on this machine: the ports of their clients, clusters and monitoring.
type three struct {
	conf                     [3]string
	clients, routes, monitor [3]string
	http                     *http.Client
}

func newThree(t *testing.T) *three {
	t.Helper()
	c, ids := &three{}, bustest.NewIdentities(t)
	for _, ports := range []*[3]string{&c.clients, &c.routes, &c.monitor} {
		for i := range ports {
			var err error
			if ports[i], err = unusedPort(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range c.conf {
		replace := []string{"0.0.0.0:4222", "'0.0.0.0:" + c.clients[i] + "'", "0.0.0.0:6222", "'0.0.0.0:" + c.routes[i] + "'",
			"0.0.0.0:8222", "'0.0.0.0:" + c.monitor[i] + "'", "$POD_NAME", fmt.Sprint("jetreduce-bus-", i),
			"$CLIENT_ADVERTISE", fmt.Sprintf("'bus-%d.invalid:4222'", i)}
		for j, port := range c.routes {
			replace = append(replace, fmt.Sprintf("jetreduce-bus-%d.jetreduce-bus:6222", j), "127.0.0.1:"+port)
		}
		c.conf[i] = confHere(t, manifests+"/tls/bus.conf", ids.Dir, replace...)
	}
	ca, err := os.ReadFile(ids.File("ca.pem"))
	trusted := x509.NewCertPool()
	if err != nil || !trusted.AppendCertsFromPEM(ca) {
		t.Fatal(err)
	}
	c.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, DisableKeepAlives: true}}
	return c
}

// start starts a server as the overlay does: without --insecure.
func (c *three) start(t *testing.T, i int) {
	t.Helper()
	serving(t, bus.ServeConfig{Store: t.TempDir(), Config: c.conf[i]})
}

// passes reports whether a server answers a probe as one that is well.
func (c *three) passes(t *testing.T, i int, p *probe) bool {
	t.Helper()
	answer, err := c.http.Get("https://" + net.JoinHostPort("127.0.0.1", c.monitor[i]) + p.HTTPGet.Path)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// A server that lacks what the others have must not count as started, or a rolling restart would take the next one away. All three can
// start nonetheless: each lives alone, and once there are enough of them all are ready. All of that with TLS, as the overlay has it.
func TestProbesOfTheBusWaitForTheOthersAndLetThemCome(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("three servers take seconds to elect a leader: run it without -short")
	}
	probes := busContainer(t)
	c := newThree(t)
	c.start(t, 0)
	if c.passes(t, 0, probes.StartupProbe) || c.passes(t, 0, probes.ReadinessProbe) || !c.passes(t, 0, probes.LivenessProbe) {
		t.Error("a server that has not found the others is to live, and to be neither started nor ready")
	}
	c.start(t, 1)
	c.start(t, 2)
	for i := range c.conf {
		processtest.AwaitTrue(t, fmt.Sprintf("server %d to be started and ready", i), func() bool {
			return c.passes(t, i, probes.StartupProbe) && c.passes(t, i, probes.ReadinessProbe)
		})
	}
	c.checkAdvertised(t)
}

// busContainer is the bus of the base, whose service lets servers be found before they are ready.
func busContainer(t *testing.T) (found container) {
	t.Helper()
	for _, o := range readYAML[object](t, manifests+"/base/bus.yaml") {
		if o.Kind == "Service" && !o.Spec.PublishNotReadyAddresses {
			t.Error("the servers cannot find each other before they are ready, and are not ready before they have")
		}
		if o.Kind != "StatefulSet" {
			continue
		}
		if o.Spec.PodManagementPolicy != "Parallel" {
			t.Errorf("servers are started as %s says: the first would wait for ever", o.Spec.PodManagementPolicy)
		}
		found = o.Spec.Template.Spec.Containers[0]
	}
	return found
}

// checkAdvertised wants names where clients, and KEDA, are told of the other servers: no certificate is for the address of a pod.
func (c *three) checkAdvertised(t *testing.T) {
	t.Helper()
	answer, err := c.http.Get("https://" + net.JoinHostPort("127.0.0.1", c.monitor[0]) + "/varz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var said struct {
		Servers []string `json:"connect_urls"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(said.Servers, " "); len(said.Servers) != 3 || strings.Count(all, ".invalid:4222") != 3 {
		t.Errorf("clients are told of %s", all)
	}
}

func unusedPort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}
