package bus

import "net"

// Beyond reports whether others than this machine may reach what listens at an address (host:port, or a host alone). A name is of this
// machine only when it is localhost: what any other leads to may change.
func Beyond(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback())
}
