package chaos

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"jetreduce/internal/processtest"
)

// nats is the path of a nats-server binary; "": there is none.
type nats string

// buildServer builds the nats-server whose source this module uses into dir. It needs the go command, and no network.
func buildServer(ctx context.Context, dir string) (nats, error) {
	path := filepath.Join(dir, "nats-server")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/nats-io/nats-server/v2")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build nats-server: %w: %s: run it inside the module", err, said)
	}
	return nats(path), nil
}

// addServers adds three servers that are one cluster, whose acknowledged writes are on disk. They do not tell clients
// about each other: cables would be passed by.
func (c *cluster) addServers() error {
	var routes []string
	for range 3 {
		var addrs [3]string
		for i := range addrs {
			var err error
			if addrs[i], err = processtest.FreeAddr(); err != nil {
				return err
			}
		}
		c.servers, routes, c.monitors = append(c.servers, addrs[0]), append(routes, addrs[1]), append(c.monitors, addrs[2])
	}
	for i := range c.servers {
		config := filepath.Join(c.home.Dir, fmt.Sprintf("server-%d.conf", i+1))
		if err := os.WriteFile(config, []byte(c.configure(i, routes)), 0o600); err != nil {
			return err
		}
		err := c.add(&member{name: fmt.Sprintf("server-%d", i+1), role: busServer, command: func() (*exec.Cmd, error) {
			return exec.Command(string(c.programs), "-c", config), nil
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) configure(n int, routes []string) string {
	name := fmt.Sprintf("server-%d", n+1)
	return fmt.Sprintf(`server_name: %s
listen: "%s"
http: "%s"
jetstream { store_dir: "%s", sync_interval: always }
cluster { name: chaos, listen: "%s", no_advertise: true, routes: ["nats://%s"] }
`, name, c.servers[n], c.monitors[n], filepath.Join(c.home.Dir, name), routes[n], strings.Join(routes, `", "nats://`))
}

// awaitHealthy waits until every server says that it is well and has caught up with the others.
func (c *cluster) awaitHealthy(ctx context.Context) error {
	for _, monitor := range c.monitors {
		for !healthy(ctx, "http://"+monitor+"/healthz") {
			if !pause(ctx, again) {
				return fmt.Errorf("the server whose monitor is %s is not well: %w", monitor, context.Cause(ctx))
			}
		}
	}
	return nil
}

func healthy(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
