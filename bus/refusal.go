package bus

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
)

// refusal is why a server that is there does not let a client in, and what to do about it.
type refusal struct {
	seen, do string
	cause    error
}

func (r refusal) Error() string { return r.seen + ": " + r.do }
func (r refusal) Unwrap() error { return r.cause }

// refused says why the server does not let this client in; ok is false when the error is of another kind.
func (c ConnectConfig) refused(err error) (r refusal, ok bool) {
	if err == nil || errors.As(err, &r) {
		return r, err != nil
	}
	at := c.Address()
	for _, look := range []func(at string, err error) (seen, do string){c.unwelcome, c.untrusted, c.unencrypted} {
		if seen, do := look(at, err); seen != "" {
			return refusal{seen, do, err}, true
		}
	}
	return r, false
}

// unwelcome: the login.
func (c ConnectConfig) unwelcome(at string, err error) (seen, do string) {
	who, do := c.Login.String(), "check it: it must be of that server and account, and not have expired"
	if c.Login == (Login{}) {
		do = "log in with --creds, --nkey, --user and --password, --token or --context"
		if strings.Contains(c.URL, "@") {
			who, do = "the login in the URL", "check it"
		}
	}
	switch {
	case errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAccountAuthExpired):
		do = "get new ones: they are read again at each connection"
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthRevoked):
	case errors.Is(err, nats.ErrNkeysNotSupported):
		do = "that server knows no nkeys: use another login"
	default:
		return "", ""
	}
	return fmt.Sprintf("authorization refused at %s: the server does not take %s (%v)", at, who, plain(err)), do
}

// untrusted: the certificates.
func (c ConnectConfig) untrusted(at string, err error) (seen, do string) {
	var stranger x509.UnknownAuthorityError
	var name x509.HostnameError
	var other *tls.CertificateVerificationError
	switch {
	case errors.As(err, &stranger) && c.TLS.CA == "":
		return at + ": this system does not trust the server's certificate", "name who vouches for it with --tlsca FILE"
	case errors.As(err, &stranger):
		return fmt.Sprintf("%s: the server's certificate is not of those in %s", at, c.TLS.CA), "name another file with --tlsca"
	case errors.As(err, &name):
		return fmt.Sprintf("%s: the server's certificate is for other names (%v)", at, err), "use one of its names in --server"
	case errors.As(err, &other):
		return fmt.Sprintf("%s: the server's certificate does not hold: %v", at, err), "have the server's operator renew it"
	case mentions(err, "tls: certificate required", "tls: bad certificate", "tls: unknown certificate authority",
		"closed by remote after TLS"):
		return fmt.Sprintf("%s: the server does not take this client's certificate (%v)", at, err),
			"show one that it trusts, with --tlscert and --tlskey"
	}
	return "", ""
}

// unencrypted: one side wants TLS, and the other has none, or not yet.
func (c ConnectConfig) unencrypted(at string, err error) (seen, do string) {
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, nats.ErrSecureConnWanted):
		return at + ": the server offers no TLS", "leave --tlsca, --tlscert, --tlskey and tls:// out, or name another server"
	case errors.As(err, &record):
		return at + ": the server does not begin with TLS", "leave --tlsfirst out, or name another server with --server"
	}
	return "", ""
}

// mentions reports whether an error has one of these words: what the other side of TLS says has no types.
func mentions(err error, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(err.Error(), word) })
}

// oneByOne asks several servers again, each alone, when the client says that it has found none: of a server that does not let it
// in it says nothing when the next one is not there.
func (c ConnectConfig) oneByOne(err error) error {
	urls := Servers(c.URL)
	if len(urls) < 2 {
		return err
	}
	for _, each := range urls {
		nc, why := nats.Connect(each, append(c.options(), nats.NoReconnect())...)
		if why == nil {
			nc.Close()
			continue
		}
		if _, is := c.refused(why); is {
			return why
		}
	}
	return err
}

// Ended is err, or why the connection ended for good, when it did: the server has twice not let the client back in.
func (c ConnectConfig) Ended(nc *nats.Conn, err error) error {
	if err == nil || !nc.IsClosed() {
		return err
	}
	if r, is := c.refused(nc.LastError()); is {
		return errors.Join(r, err)
	}
	return err
}
