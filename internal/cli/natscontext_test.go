package cli

import (
	"reflect"
	"strings"
	"testing"

	"github.com/synadia-io/orbit.go/natscontext"

	"jetreduce/bus"
)

func TestWhatAContextSaysAndCannotBeDoneIsRefused(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		`{"socks_proxy":"x"}`:                    "socks_proxy",
		`{"nsc":"nsc://o/a/u"}`:                  "nsc",
		`{"jetstream_domain":"hub"}`:             "jetstream_domain",
		`{"jetstream_api_prefix":"$JS.hub.API"}`: "jetstream_api_prefix",
		`{"user_jwt":"x"}`:                       "user_jwt",
		`{"user_seed":"x"}`:                      "user_seed",
		`{"windows_cert_store":"user"}`:          "windows_cert_store",
		`{"windows_cert_match":"x"}`:             "windows_cert_match",
		`{"windows_ca_certs_match":["x"]}`:       "windows_ca_certs_match",
		`{"creds":"op://vault/item"}`:            "creds is a reference (op://)",
		`{"password":"env://SECRET"}`:            "password is a reference (env://)",
		`{"token":"data:;base64,c2VjcmV0"}`:      "token is a reference (data:)",
		`{"nkey":"nsc://o/a/u"}`:                 "nkey is a reference (nsc://)",
		`{"password":4711}`:                      "the value of password is of another kind",
		`{"tls_first":"secret"}`:                 "the value of tls_first is of another kind",
		`{"password":"secret`:                    "no JSON object",
		`"secret"`:                               "no JSON object",
		`[]`:                                     "no JSON object",
		``:                                       "no JSON object",
	} {
		_, err := readContext([]byte(text))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "4711")) {
			t.Errorf("it tells what stands there: %v", err)
		}
	}
	c, err := readContext([]byte(`{"description":"x","url":"nats://a","color_scheme":"red","jetstream_event_prefix":"x","later":1}`))
	if err != nil || c.URL != "nats://a" {
		t.Errorf("%+v, %v", c, err)
	}
}

// The NATS library knows the fields of a context; what is new there is to be done, refused, or named here as without consequence.
func TestNoFieldOfAContextIsForgotten(t *testing.T) {
	t.Parallel()
	known := map[string]bool{
		"name": true, "description": true, "color_scheme": true,
		"jetstream_event_prefix": true, // of advisories, which nobody here listens to
		"windows_cert_match_by":  true, // goes with windows_cert_store
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[natsContext]()) {
		known[field.Tag.Get("json")] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[natscontext.Settings]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && !known[name] {
			t.Errorf("a context may have %s, of which nothing is known here", name)
		}
	}
}

// Whatever bytes a context has, nothing breaks, and an error does not repeat what stands there.
func FuzzContext(f *testing.F) {
	for _, text := range []string{
		`{"url":"nats://a","creds":"~/x"}`, `{"password":1}`, `{"windows_ca_certs_match":["x"]}`, `[`, `{"creds":"~"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := readContext([]byte(`{"token":"kept-to-ourselves",` + strings.TrimPrefix(string(data), "{")))
		if err != nil && (strings.Contains(err.Error(), "kept-to-ourselves") || !reflect.ValueOf(c).IsZero()) {
			t.Errorf("%v, with %+v", err, c)
		}
	})
}

// Whatever is given as URLs, taking the logins out leaves none that the client would see, and the rest as it was.
func FuzzWithoutLogin(f *testing.F) {
	for _, urls := range []string{"nats://u:p@a:1", "u:p@a, tls://b", "nats://[::1", "a,,b", "nats://u@a/", "ws://u:p@a"} {
		f.Add(urls)
	}
	f.Fuzz(func(t *testing.T, urls string) {
		once := withoutLogin(urls)
		if withoutLogin(once) != once || hasLogin(once) || len(bus.Servers(once)) != len(bus.Servers(urls)) {
			t.Errorf("%q becomes %q", urls, once)
		}
	})
}
