package roles_test

import (
	"log/slog"
	"net"
	"testing"

	"jetreduce/internal/roles"
)

// Whoever serves the original protocol to other machines is told what that means; on the loopback there is nothing to say.
func TestStrangersAreWarnedOf(t *testing.T) {
	for addr, warned := range map[string]bool{
		"127.0.0.1:8765": false, "127.8.9.1:1": false, "[::1]:8765": false, "0.0.0.0:8765": true, "[::]:8765": true, "192.0.2.7:8765": true,
	} {
		at, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		said := newRecord()
		roles.WarnOfStrangers(slog.New(said), at)
		const words = "the original protocol has no authentication: whoever reaches this address may work, and reads the text"
		if is, _ := said.has(words); is != warned {
			t.Errorf("%s: warned %v, want %v", addr, is, warned)
		}
	}
}
