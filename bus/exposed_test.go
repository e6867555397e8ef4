package bus_test

import (
	"fmt"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

// Whatever port a configuration opens, it is no door for other machines unless it has TLS: not only that of the clients.
func TestEachOpenDoorBeyondThisMachineIsRefused(t *testing.T) {
	t.Parallel()
	ids := bustest.NewIdentities(t)
	tls := fmt.Sprintf("tls { cert_file: %q, key_file: %q }", ids.File("server.pem"), ids.File("server.key"))
	everywhere := "listen: '0.0.0.0:-1', " + tls + "\n"
	here := "listen: '127.0.0.1:-1'\n"
	for lines, door := range map[string]string{
		everywhere + "prof_port: -1":                                        "for profiling",
		everywhere + "http_port: -1":                                        "for monitoring",
		everywhere + "monitor_port: -1":                                     "for monitoring",
		here + "http: '0.0.0.0:-1'":                                         "for monitoring",
		here + "websocket { listen: '0.0.0.0:-1', no_tls: true }":           "for websockets",
		here + "server_name: a, mqtt { listen: '0.0.0.0:-1' }":              "for MQTT",
		here + "server_name: a, gateway { name: g, listen: '0.0.0.0:-1' }":  "for gateways",
		here + "leafnodes { port: -1 }":                                     "for leaf nodes",
		here + "server_name: a, cluster { name: c, listen: '192.0.2.7:1' }": "for the cluster",
		here + "https: '0.0.0.0:-1', " + tls:                                "",
		here + "prof_port: -1":                                              "",
		here + "http_port: -1":                                              "",
		here + "http: '127.0.0.1:-1'":                                       "",
		here + "leafnodes { listen: '127.0.0.1:-1' }":                       "",
		everywhere + "http: 'localhost:-1'":                                 "",
		everywhere + "leafnodes { listen: '0.0.0.0:-1', " + tls + " }":      "",
		everywhere + "websocket { listen: '0.0.0.0:-1', " + tls + " }":      "",
	} {
		t.Run(lines, func(t *testing.T) {
			t.Parallel()
			ctx, c := deadline(t), bus.ServeConfig{Store: t.TempDir(), Config: config(t, lines)}
			if door != "" {
				isNotServed(ctx, t, c, door, "whoever reaches this port", "--insecure")
				return
			}
			serveBus(ctx, t, c)
		})
	}
}
