package cli_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"
)

// noise MEBIBYTES FILE: writes what nobody can compress.
func noise(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	random := rand.NewChaCha8([32]byte{1})
	data := make([]byte, n<<20)
	_, err = random.Read(data)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), bytes.ReplaceAll(data, []byte("\x00"), []byte("\n")), 0o600))
}

// request SUBJECT TEXT: asks the leader for something.
func request(ts *testscript.TestScript, neg bool, args []string) {
	nc, err := nats.Connect(ts.Getenv("NATS_URL"))
	ts.Check(err)
	defer nc.Close()
	msg, err := nc.Request(args[0], []byte(args[1]), time.Minute)
	ts.Check(err)
	if msg.Header.Get("Nats-Service-Error-Code") != "" {
		ts.Fatalf("%s answers %s", args[0], msg.Data)
	}
}

// kept: sets UPLOAD to the one upload that is kept for a job, once it is; ! kept: to one that is not.
func kept(ts *testscript.TestScript, neg bool, _ []string) {
	nc, err := nats.Connect(ts.Getenv("NATS_URL"))
	ts.Check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	ts.Check(err)
	until(ts, "no upload is kept", func() bool {
		for info := range js.ListStreams(context.Background()).Info() {
			if id, is := strings.CutPrefix(info.Config.Name, "JETREDUCE_INPUT_"); is && info.Config.Sealed != neg {
				ts.Setenv("UPLOAD", id)
				return true
			}
		}
		return false
	})
}
