package bustest

import (
	"net"
	"testing"
)

// OtherAddress is one of this machine's that is not loopback; a machine without one skips the test.
func OtherAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range all {
		if in, is := each.(*net.IPNet); is && !in.IP.IsLoopback() && in.IP.To4() != nil {
			return in.IP.String()
		}
	}
	t.Skip("this machine has no other address")
	return ""
}
