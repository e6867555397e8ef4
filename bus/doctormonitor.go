package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// syncSeen is what a server says of when it brings its streams to disk.
type syncSeen struct {
	Name     string
	ID       string // of this start of the server
	Cluster  string // "": none
	Servers  int    // of the cluster, as far as the server knows; 0: it does not say
	On       bool   // JetStream
	Always   bool   // before it acknowledges
	Interval time.Duration
	Bounded  bool  // it has said how many bytes it may store
	Room     int64 // that
	Used     int64 // bytes, by all accounts
}

// jsConfig is what of the configuration of JetStream matters here, as /varz and JSZ say it alike.
type jsConfig struct {
	Always   bool   `json:"sync_always"`
	Interval int64  `json:"sync_interval"` // ns
	Room     *int64 `json:"max_storage"`
}

// meta is what a server says of the servers that hold streams.
type meta struct {
	Size int `json:"cluster_size"`
}

var errNoMonitor = errors.New("it is no monitoring endpoint of a nats-server")

// readVarz reads what a monitoring endpoint answers at /varz.
func readVarz(data []byte) (syncSeen, error) {
	var v struct {
		ID        string `json:"server_id"`
		Name      string `json:"server_name"`
		Cluster   struct{ Name string }
		JetStream struct {
			Config *jsConfig
			Meta   meta
			Stats  struct{ Storage uint64 }
		}
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return syncSeen{}, fmt.Errorf("%w: %w", errNoMonitor, err)
	}
	if v.ID == "" {
		return syncSeen{}, fmt.Errorf("%w: it says nothing of a server", errNoMonitor)
	}
	s := syncSeen{Name: v.Name, ID: v.ID, Cluster: v.Cluster.Name, Servers: v.JetStream.Meta.Size}
	return s.with(v.JetStream.Config, v.JetStream.Stats.Storage), nil
}

// readJSZ reads what a server answers on its system account.
func readJSZ(data []byte) (syncSeen, error) {
	var v struct {
		Server struct{ Name, ID, Cluster string }
		Data   struct {
			Disabled bool
			Config   *jsConfig
			Storage  uint64
			Meta     meta `json:"meta_cluster"`
		}
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return syncSeen{}, fmt.Errorf("read what the system account says: %w", err)
	}
	if v.Server.ID == "" || v.Data.Config == nil && !v.Data.Disabled {
		return syncSeen{}, errors.New("the system account says nothing of a server")
	}
	s := syncSeen{Name: v.Server.Name, ID: v.Server.ID, Cluster: v.Server.Cluster, Servers: v.Data.Meta.Size}
	if v.Data.Disabled {
		v.Data.Config = nil
	}
	return s.with(v.Data.Config, v.Data.Storage), nil
}

// with takes over a configuration and how much is stored; nil: JetStream is off. What cannot be is taken as not said.
func (s syncSeen) with(c *jsConfig, used uint64) syncSeen {
	s.Name, s.Cluster, s.Servers = printable(s.Name), printable(s.Cluster), max(0, s.Servers)
	if c != nil {
		s.On, s.Always, s.Interval = true, c.Always, time.Duration(max(0, c.Interval))
		if c.Room != nil && *c.Room >= 0 {
			s.Bounded, s.Room, s.Used = true, *c.Room, int64(min(used, 1<<62))
		}
	}
	return s
}

// CheckMonitor returns the address at which a monitoring endpoint says what we want to know: of HOST:PORT, or of a URL of that.
func CheckMonitor(address string) (string, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return "", errors.New("want the URL of a monitoring endpoint, as http://HOST:8222")
	}
	return u.JoinPath("varz").String(), nil
}

// largestVarz is how many bytes a monitoring endpoint may say: a server with thousands of routes says less.
const largestVarz = 4 << 20

// monitor asks a monitoring endpoint. Whatever listens there, the answer is bounded in time and in size.
func monitor(ctx context.Context, address string) (syncSeen, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorWait)
	defer cancel()
	at, err := CheckMonitor(address)
	if err != nil {
		return syncSeen{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return syncSeen{}, err
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return syncSeen{}, unmonitored(err)
	}
	defer func() { _ = response.Body.Close() }()
	return readAnswer(response)
}

func readAnswer(response *http.Response) (syncSeen, error) {
	if response.StatusCode != http.StatusOK {
		return syncSeen{}, fmt.Errorf("%w: it answers %s", errNoMonitor, response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, largestVarz+1))
	if err != nil {
		return syncSeen{}, unmonitored(err)
	}
	if len(data) > largestVarz {
		return syncSeen{}, fmt.Errorf("%w: it says more than %d bytes", errNoMonitor, largestVarz)
	}
	return readVarz(data)
}

// unmonitored is why nothing came, without the address, which may hold a password.
func unmonitored(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	return err
}
