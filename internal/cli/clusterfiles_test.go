package cli_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// clusterfiles: writes the configuration of three servers of one cluster; clients of the first two connect to PORT and PORT2.
func clusterFiles(ts *testscript.TestScript, neg bool, args []string) {
	clients := []string{ts.Getenv("PORT"), ts.Getenv("PORT2"), "-1"}
	var routes []string
	for range clients {
		port, err := freePort()
		ts.Check(err)
		routes = append(routes, "nats://127.0.0.1:"+port)
	}
	for i, port := range clients {
		name := string("abc"[i])
		text := fmt.Sprintf("listen: '127.0.0.1:%s'\nserver_name: %s\ncluster { name: c, listen: %q, routes: [%s] }\n",
			port, name, strings.TrimPrefix(routes[i], "nats://"), strings.Join(routes, ", "))
		ts.Check(os.WriteFile(ts.MkAbs(name+".conf"), []byte(text), 0o600))
	}
}
