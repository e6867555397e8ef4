package bus_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"jetreduce/bus"
	"jetreduce/bus/bustest"
)

const unreadable = "the address cannot be read: write it as nats://HOST:PORT, each of several with its own nats://; " +
	"in a password / # ? , % are %2F %23 %3F %2C %25"

// signed are addresses with a password in which a sign stands that may end it early, and one that may look like a port.
func signed(sign string) (urls []string) {
	for _, password := range []string{"correct-horse" + sign + "staple", "4321" + sign + "staple", sign + "staple", "4321" + sign} {
		for _, form := range []string{
			"nats://ann:%s@127.0.0.1:1", "ann:%s@127.0.0.1:1", "nats://%s@127.0.0.1:1", "nats://127.0.0.1:1,nats://ann:%s@127.0.0.1:1",
			"nats://ann:%s@127.0.0.1:1, nats://127.0.0.1:1", "nats://ann:%s@127.0.0.1:x", "nats://ann:%s@[::1",
		} {
			urls = append(urls, fmt.Sprintf(form, password))
		}
	}
	return urls
}

func TestNoPieceOfAPasswordIsSaid(t *testing.T) {
	t.Parallel()
	for _, sign := range []string{
		"", "/", "#", "?", ",", ", ", ":", "@", "%", "%zz", "://", "/@", "@/", "@x,", "[", "]",
		`\`, " ", "\t", "\n", `"`, "|", "é", ";", "&", "=",
	} {
		for _, url := range signed(sign) {
			c := bus.ConnectConfig{URL: url, Log: bustest.Quiet()}
			_, err := bus.Connect(deadline(t), c)
			said := fmt.Sprint(c.Address(), bus.CheckURL(url), err, bus.Doctor{Server: c}.Examine(deadline(t)))
			for _, piece := range []string{"correct", "horse", "4321", "staple", "%zz"} {
				if err == nil || strings.Contains(said, piece) {
					t.Errorf("%q: %q is said in %s", url, piece, said)
				}
			}
		}
	}
}

func TestAddressesThatCannotBeReadAreSaidToBeSo(t *testing.T) {
	t.Parallel()
	for _, url := range slices.Concat(signed("/"), signed("#"), signed("?"), signed(","), signed("%zz"), []string{
		",", " ", "nats://", "nats://u:p@", "nats://h:x", "://h", "nats://a:1,b c:2", "nats://a:1,u:p@b:2",
		"http://a:1", "nats://a:1/path", "nats://a:99999", "bus://a", "nats://a?tls=1",
	}) {
		for _, daemon := range []bool{false, true} { // which waits for nothing that never comes
			_, err := bus.Connect(deadline(t), bus.ConnectConfig{URL: url, Wait: daemon, Log: bustest.Quiet()})
			if err == nil || err.Error() != unreadable {
				t.Errorf("%q: %v", url, err)
			}
		}
		examine(t, bus.Doctor{Server: bus.ConnectConfig{URL: url, Log: bustest.Quiet()}}).
			mustSay(t, bus.LevelUnsafe, "server", "the address cannot be read", "write it as nats://HOST:PORT")
	}
}

func TestAddressesAreReadAsTheClientReadsThem(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"": bus.DefaultAddr, "h:1": "h:1", "nats://h": "h", " nats://a:1 ,, b:2,": "a:1, b:2", "tls://u:p@a:1,nats://b:2/": "a:1, b:2",
		"u:p@a:1,b:2": "a:1, b:2", "nats://u:p%2F%23%3F%2C%25@a:1": "a:1", "nats://u:p@ss:w@a:1": "a:1", "ws://a:1/path?x#y": "a:1",
		"nats://[::1]:4222": "[::1]:4222", "nats://a:1,nats://u:p@b:2": "a:1, b:2",
	} {
		if err := bus.CheckURL(url); err != nil || (bus.ConnectConfig{URL: url}).Address() != want {
			t.Errorf("%q is %q, %v, want %q", url, bus.ConnectConfig{URL: url}.Address(), err, want)
		}
	}
}

// Whatever a password holds, the address is that of the server, or nothing of it is said. Only one that holds addresses is beyond telling.
func FuzzPasswordInAnAddress(f *testing.F) {
	for _, password := range []string{"p", "1/2", "1#2", "1?2", "1,2", "1@2,3", "%", "\x00"} {
		f.Add(password)
	}
	f.Fuzz(func(t *testing.T, password string) {
		if strings.Contains(password, "://") {
			t.Skip()
		}
		c := bus.ConnectConfig{URL: "nats://ann:" + password + "@127.0.0.1:1"}
		err, at := bus.CheckURL(c.URL), c.Address()
		switch {
		case err == nil && at != "127.0.0.1:1":
			t.Errorf("%q is at %q", c.URL, at)
		case err != nil && (err.Error() != unreadable || at != "the address given"):
			t.Errorf("%q: %v at %s", c.URL, err, at)
		}
	})
}
