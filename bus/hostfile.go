package bus

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/conf"
	"github.com/nats-io/nats-server/v2/server"
)

// A bus may be configured like any nats-server, by a file: logins, accounts, TLS, cluster, leaf nodes. What jetreduce relies on is not
// the file's: where the streams are, that there is JetStream, that what is acknowledged is on disk, how large a batch may be. A line that
// says otherwise is refused by its name, since a server that ignores what it was told is worse than one that does not start.

// ourLines are the lines of a file that are refused, and what is said instead.
var ourLines = []struct{ line, because string }{
	{"store_dir", "--store says where the streams are"}, {"storedir", "--store says where the streams are"},
	{"jetstream.store_dir", "--store says where the streams are"}, {"jetstream.storedir", "--store says where the streams are"},
	{"jetstream.store", "--store says where the streams are"},
	{"jetstream.limits.batch.max_msgs", "jetreduce says how many messages a batch may have"},
	{"logfile", ownLog}, {"log_file", ownLog}, {"syslog", ownLog}, {"remote_syslog", ownLog}, {"debug", ownLog}, {"trace", ownLog},
	{"trace_verbose", ownLog}, {"logtime", ownLog}, {"logtime_utc", ownLog}, {"logfile_size_limit", ownLog}, {"logfile_max_num", ownLog},
	{"log_size_limit", ownLog}, {"log_max_num", ownLog},
}

const ownLog = "this process logs to standard error, as --log says"

// listenLines are those that say where clients connect.
var listenLines = []string{"listen", "host", "net", "port"}

// fileLines are the lines of a configuration file.
type fileLines map[string]any

func readLines(file string) (fileLines, error) {
	lines, err := conf.ParseFile(file)
	if err != nil {
		return nil, fmt.Errorf("read --config: %w", err)
	}
	return lines, nil
}

// at is what a line says, named by a path of small letters; nil: there is none.
func (l fileLines) at(path string) any {
	first, rest, deeper := strings.Cut(path, ".")
	for name, value := range l {
		if strings.ToLower(name) != first {
			continue
		}
		if !deeper {
			return value
		}
		if block, is := value.(map[string]any); is {
			return fileLines(block).at(rest)
		}
	}
	return nil
}

// check refuses lines of what is not the file's. Withheld are those that flags have said.
func (l fileLines) check(withheld map[string]string) error {
	for _, our := range ourLines {
		if l.at(our.line) != nil {
			return refusedLine(our.line, our.because)
		}
	}
	for _, line := range append([]string{"tls"}, listenLines...) {
		if flag := withheld[line]; flag != "" && l.at(line) != nil {
			return refusedLine(line, flag+" says that")
		}
	}
	return l.checkJetStream()
}

// checkJetStream refuses a bus that is none, or forgets what it has acknowledged.
func (l fileLines) checkJetStream() error {
	switch on := l.at("jetstream"); on {
	case false, "disabled", "disable":
		return refusedLine("jetstream", "a bus is JetStream")
	}
	for _, line := range []string{"jetstream.enabled", "jetstream.enable"} {
		if on := l.at(line); on != nil && on != true {
			return refusedLine(line, "a bus is JetStream")
		}
	}
	for _, line := range []string{"jetstream.sync_interval", "jetstream.sync"} {
		if sync := l.at(line); sync != nil && sync != "always" {
			return refusedLine(line, "a bus acknowledges what is on disk: sync_interval is always")
		}
	}
	return nil
}

func refusedLine(line, because string) error {
	return fmt.Errorf("--config: leave out %s: %s", line, because)
}

// addr is where the file says that clients connect; "": it does not say.
func (l fileLines) addr(o *server.Options) string {
	for _, line := range listenLines {
		if l.at(line) == nil {
			continue
		}
		host, port := o.Host, o.Port
		if host == "" {
			host = server.DEFAULT_HOST
		}
		switch port {
		case 0:
			port = server.DEFAULT_PORT
		case server.RANDOM_PORT:
			port = 0
		}
		return net.JoinHostPort(host, strconv.Itoa(port))
	}
	return ""
}

// fromFile is what the file says, or the server's defaults without one.
func (c HostConfig) fromFile() (*server.Options, fileLines, error) {
	if c.Config == "" {
		return &server.Options{}, nil, nil
	}
	lines, err := readLines(c.Config)
	if err != nil {
		return nil, nil, err
	}
	withheld := map[string]string{}
	if c.TLS.Cert != "" {
		withheld["tls"] = "--tlscert"
	}
	if err := lines.check(withheld); err != nil {
		return nil, nil, err
	}
	o, err := server.ProcessConfigFile(c.Config)
	if err != nil {
		return nil, nil, fmt.Errorf("read --config: %w", err)
	}
	return o, lines, nil
}
