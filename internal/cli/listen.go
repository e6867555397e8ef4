package cli

import (
	"fmt"

	"jetreduce/bus"
)

// checkListen refuses to serve others than this machine without TLS, unless the user insists. The flag names the address, "" is none.
func checkListen(flag, addr string, tls, insecure bool) error {
	if addr == "" || tls || insecure || !bus.Beyond(addr) {
		return nil
	}
	may, instead := "read, change and remove all jobs, inputs and results", "give --tlscert and --tlskey, or --insecure"
	switch flag {
	case "--tcp": // the original protocol knows neither logins nor TLS
		may, instead = "take part in word counts, and read their text", "listen at 127.0.0.1, or give --insecure"
	case "coordinator --addr":
		instead = "host the bus with `jetreduce bus --tlscert --tlskey`, or give --insecure"
	case "--http":
		may, instead = "see all jobs", "give --http-tlscert and --http-tlskey, or --insecure"
	}
	return usageError{fmt.Errorf("%s %s: whoever reaches this port may %s: %s if the network is yours alone", flag, addr, may, instead)}
}
