package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

func denial(text string) error { return fmt.Errorf("%w: %s", nats.ErrPermissionViolation, text) }

func TestViolationsAreReadAsTheServerWritesThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Denied{
		`Permissions Violation for Publish to "a.b"`:                              {Subject: "a.b"},
		`permissions violation for publish to "$JS.API.INFO"`:                     {Subject: "$JS.API.INFO"},
		`Permissions Violation for Subscription to "a.>"`:                         {Subject: "a.>", Listening: true},
		`Permissions Violation for Subscription to "a" using queue "q" (sid "7")`: {Subject: "a", Listening: true},
		`Permissions Violation for Publish to "q\"u\\o"`:                          {Subject: `q"u\o`},
	} {
		if got, is := readViolation(denial(text)); !is || got != want {
			t.Errorf("%s: got %+v, %t", text, got, is)
		}
	}
	for _, err := range []error{nil, nats.ErrTimeout, denial("for Publish"), fmt.Errorf(`Permissions Violation for Publish to "a"`)} {
		if got, is := readViolation(err); is {
			t.Errorf("%v: got %+v", err, got)
		}
	}
}

func TestDenialEndsThoseWhoWaitForItAndNobodyElse(t *testing.T) {
	t.Parallel()
	d := &denials{nc: &nats.Conn{}, prefix: DefaultPrefix, waiting: map[*denialWait]struct{}{}, past: map[string]bool{}}
	waits, stop := d.until(t.Context(), "STREAM.INFO.X", "other")
	defer stop()
	others, stopOthers := d.until(t.Context(), "STREAM.INFO.X_Y")
	defer stopOthers()
	if !d.hear(denial(`Permissions Violation for Publish to "$JS.API.STREAM.INFO.X"`)) {
		t.Error("nobody was told")
	}
	if err := deniedOr(waits, context.Canceled); !strings.Contains(err.Error(), "$JS.API.STREAM.INFO.X") {
		t.Errorf("got %v", err)
	}
	if others.Err() != nil || !d.before("STREAM.INFO.X") || d.before("other") || d.before("STREAM.INFO.X_Y") {
		t.Error("others were told, or what was denied is not known")
	}
	for _, subject := range []string{"_x.STREAM.INFO.X_Y", "$JS.ACK.STREAM.INFO.X_Y", "$KV.table.STREAM.INFO.X_Y"} { // named by others
		if d.hear(denial(`Permissions Violation for Publish to "` + subject + `"`)); others.Err() != nil {
			t.Fatalf("whoever has us publish on %s ends who waits for something else", subject)
		}
	}
	rows, stopRows := d.untilUnder(t.Context(), "orders")
	defer stopRows()
	d.hear(denial(`Permissions Violation for Publish to "$JS.API.CONSUMER.CREATE.orders.x"`))
	d.hear(denial(`Permissions Violation for Publish to "$KV.orders.k"`))
	if rows.Err() != nil {
		t.Error("a denial of something else ends who publishes on orders.>")
	}
	if d.hear(denial(`Permissions Violation for Publish to "orders.x"`)); !errors.Is(context.Cause(rows), ErrDenied) {
		t.Error("who publishes on orders.> does not hear that it is denied")
	}
	if d.hear(denial(`Permissions Violation for Publish to "unknown"`)) {
		t.Error("somebody was told who does not wait for it")
	}
}

func TestDenialOfTheInboxEndsAllWaitsUntilTheConnectionIsNew(t *testing.T) {
	t.Parallel()
	d := &denials{nc: &nats.Conn{}, prefix: DefaultPrefix, waiting: map[*denialWait]struct{}{}, past: map[string]bool{}}
	before, stop := d.until(t.Context(), "a")
	defer stop()
	d.hear(denial(`Permissions Violation for Subscription to "_INBOX.x.*"`))
	after, stopAfter := d.until(t.Context(), "b")
	defer stopAfter()
	if before.Err() == nil || after.Err() == nil {
		t.Error("somebody waits for an answer that cannot come")
	}
	d.reconnected()
	again, stopAgain := d.until(t.Context(), "b")
	defer stopAgain()
	if again.Err() != nil {
		t.Error("the new connection is taken for the old one")
	}
}

// What a server says may be anything.
func FuzzViolation(f *testing.F) {
	f.Add(`Permissions Violation for Publish to "a.b"`)
	f.Add(`Permissions Violation for Subscription to "a" using queue "q"`)
	f.Add(`Permissions Violation for Publish to "\x"`)
	f.Fuzz(func(t *testing.T, text string) {
		d, is := readViolation(denial(text))
		if is && !strings.Contains(strings.ToLower(text), "permissions violation") {
			t.Errorf("%q was read as %+v", text, d)
		}
		_ = needs(&nats.Conn{}, DefaultPrefix, d)
	})
}

// Permissions of another prefix allow nothing.
func TestAdviceIsForThePrefixThatIsMeant(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{DefaultPrefix: "`jetreduce permissions client`", "team-b": "`jetreduce permissions client --prefix team-b`"} {
		got := needs(&nats.Conn{}, prefix, Denied{Subject: prefix + ".api.submit"})
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", prefix, got)
		}
	}
}
