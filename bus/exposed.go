package bus

import (
	"cmp"
	"fmt"
	"net"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
)

// door is where a server listens.
type door struct {
	what, host string
	port       int
	tls        bool
}

// doors are all where a server listens.
func doors(o *server.Options) []door {
	return []door{
		{"for clients", o.Host, o.Port, o.TLSConfig != nil && !o.AllowNonTLS},
		{"for the cluster", o.Cluster.Host, o.Cluster.Port, o.Cluster.TLSConfig != nil},
		{"for leaf nodes", o.LeafNode.Host, o.LeafNode.Port, o.LeafNode.TLSConfig != nil},
		{"for gateways", o.Gateway.Host, o.Gateway.Port, o.Gateway.TLSConfig != nil},
		{"for websockets", o.Websocket.Host, o.Websocket.Port, o.Websocket.TLSConfig != nil},
		{"for MQTT", o.MQTT.Host, o.MQTT.Port, o.MQTT.TLSConfig != nil},
		{"for monitoring", cmp.Or(o.HTTPHost, o.Host), o.HTTPPort, false}, // a port alone is opened where clients connect
		{"for profiling", o.Host, o.ProfPort, false},
	}
}

// checkDoors refuses to listen to others than this machine without TLS.
func checkDoors(o *server.Options) error {
	for _, d := range doors(o) {
		addr := net.JoinHostPort(cmp.Or(d.host, server.DEFAULT_HOST), strconv.Itoa(max(d.port, 0)))
		if d.port == 0 || d.tls || !Beyond(addr) {
			continue
		}
		return fmt.Errorf("listen at %s %s: whoever reaches this port may read, change and remove jobs, inputs and results, or see "+
			"what goes over it: give it TLS, or --insecure if the network is yours alone", addr, d.what)
	}
	return nil
}
