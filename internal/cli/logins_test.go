package cli_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	"jetreduce/bus/bustest"
)

// natsServer is a nats-server as any other, with a configuration file.
func natsServer() {
	options, err := server.ProcessConfigFile(os.Args[1])
	if err == nil {
		options.NoLog = true
		var s *server.Server
		if s, err = server.NewServer(options); err == nil {
			s.Start()
			s.WaitForShutdown()
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// identities DIR: writes certificates, keys and credentials there.
func identities(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	_, err := bustest.WriteIdentities(dir)
	ts.Check(err)
}

// overheard is what somebody hears who listens to everything on a bus.
type overheard struct {
	mu       sync.Mutex
	subjects map[string]bool
	conn     *nats.Conn
}

type overheardKey struct{}

// overhears: begins to listen to everything on the bus.
func overhears(ts *testscript.TestScript, neg bool, args []string) {
	nc, err := nats.Connect(ts.Getenv("NATS_URL"))
	ts.Check(err)
	ts.Defer(nc.Close)
	o := ts.Value(overheardKey{}).(*overheard)
	o.conn = nc
	_, err = nc.Subscribe(">", func(msg *nats.Msg) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.subjects[msg.Subject] = true
	})
	ts.Check(err)
	ts.Check(nc.Flush())
}

// foreign PREFIX...: all that was overheard, and all streams that there are, are named for one of the prefixes, and for each there
// are some.
func foreign(ts *testscript.TestScript, neg bool, prefixes []string) {
	o := ts.Value(overheardKey{}).(*overheard)
	ts.Check(o.conn.Flush())
	js, err := jetstream.New(o.conn)
	ts.Check(err)
	o.mu.Lock()
	defer o.mu.Unlock()
	for name := range js.StreamNames(context.Background()).Name() {
		o.subjects["stream "+name] = true
	}
	found := map[string]int{}
	for subject := range o.subjects {
		owner := ownerOf(subject, prefixes)
		if found[owner]++; owner == "" {
			ts.Fatalf("%s belongs to none of %v", subject, prefixes)
		}
	}
	for _, prefix := range prefixes {
		if found[prefix] < 10 {
			ts.Fatalf("%d names are of prefix %s: %v", found[prefix], prefix, o.subjects)
		}
	}
}

// ownerOf is the prefix that a subject or a stream is named for; "-" for those of NATS itself.
func ownerOf(name string, prefixes []string) string {
	for _, prefix := range prefixes {
		capitals := strings.ToUpper(prefix)
		for _, begin := range []string{
			prefix + ".", "_INBOX_" + prefix + "_", "$KV." + prefix + "-state.", "$KV." + prefix + "-commits.", "$O." + prefix + "-out.",
			"stream " + capitals + "_", "stream KV_" + prefix + "-state", "stream KV_" + prefix + "-commits", "stream OBJ_" + prefix + "-out",
		} {
			if strings.HasPrefix(name, begin) {
				return prefix
			}
		}
	}
	for _, begin := range []string{"_INBOX.", "$JS.API.", "$JS.ACK.", "$JS.EVENT.", "$SYS.REQ.", "$SRV."} {
		if strings.HasPrefix(name, begin) {
			return "-"
		}
	}
	return ""
}
