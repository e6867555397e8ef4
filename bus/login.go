package bus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
)

// Login says who a client is; the zero value says nobody. One way is meant at most. It goes along with each reconnect.
type Login struct {
	User, Password string
	Token          string
	Creds          string // file of a JWT and the seed of its key; read at each connection, so that it may be replaced
	NKey           string // file of the seed of a key; read at each connection, and must stay the same key
}

// TLS says how a connection is kept from others. The zero value leaves that to the server: one that demands TLS gets it, if
// the system trusts its certificate. The files are of PEM, and read at each connection.
type TLS struct {
	Cert, Key string // what the client shows; both or none
	CA        string // who vouches for the server; "": whom the system trusts
	First     bool   // TLS comes before the server's greeting
}

// options are those of the client.
func (l Login) options() []nats.Option {
	switch {
	case l.Creds != "":
		return []nats.Option{nats.UserCredentials(l.Creds)}
	case l.NKey != "":
		return []nats.Option{seedOf(l.NKey)}
	case l.Token != "":
		return []nats.Option{nats.Token(l.Token)}
	case l.User != "":
		return []nats.Option{nats.UserInfo(l.User, l.Password)}
	}
	return nil
}

// seedOf reads the file when it is applied, so that its error is one of connecting.
func seedOf(file string) nats.Option {
	return func(o *nats.Options) error {
		option, err := nats.NkeyOptionFromSeed(file)
		if err != nil {
			return err
		}
		return option(o)
	}
}

func (t TLS) options() (options []nats.Option) {
	if t.Cert != "" {
		options = append(options, nats.ClientCert(t.Cert, t.Key))
	}
	if t.CA != "" {
		options = append(options, nats.RootCAs(t.CA))
	}
	if t.First {
		options = append(options, nats.TLSHandshakeFirst())
	}
	return options
}

// hint says what else silence may mean: a server that waits for TLS says nothing before.
func (t TLS) hint() string {
	if t.First {
		return ""
	}
	return ", or wants TLS first (--tlsfirst)"
}

// String is how users know the login. No secret is in it.
func (l Login) String() string {
	switch {
	case l.Creds != "":
		return "the credentials in " + l.Creds
	case l.NKey != "":
		return "the nkey in " + l.NKey
	case l.Token != "":
		return "a token"
	case l.User != "":
		return "user " + l.User
	}
	return "nobody"
}

// CheckCreds makes sure that a file holds a JWT and the seed of its key.
func CheckCreds(file string) error {
	if _, err := os.ReadFile(file); err != nil {
		return err
	}
	var o nats.Options
	if err := nats.UserCredentials(file)(&o); err != nil {
		return err
	}
	token, err := o.UserJWT()
	if err == nil && (strings.Count(token, ".") != 2 || strings.ContainsAny(token, " \n")) {
		err = errors.New("no JWT is in it") // the client would send the whole file
	}
	if err == nil {
		_, err = o.SignatureCB([]byte("who is it"))
	}
	if err != nil {
		return fmt.Errorf("%s is no credentials file: %w", file, plain(err))
	}
	return nil
}

// CheckSeed makes sure that a file holds the seed of a user's key.
func CheckSeed(file string) error {
	if _, err := os.ReadFile(file); err != nil {
		return err
	}
	if _, err := nats.NkeyOptionFromSeed(file); err != nil {
		return fmt.Errorf("%s holds no seed of a user's nkey: %w", file, plain(err))
	}
	return nil
}

// CheckCert makes sure that the files hold a certificate and its key.
func CheckCert(cert, key string) error {
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		return fmt.Errorf("%s and %s: %w", cert, key, err)
	}
	return nil
}

// CheckCA makes sure that a file holds certificates.
func CheckCA(file string) error {
	if _, err := os.ReadFile(file); err != nil {
		return err
	}
	if err := nats.RootCAs(file)(&nats.Options{}); err != nil {
		return fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return nil
}

// CheckInboxPrefix refuses what the answers to requests cannot be told to begin with; what does not look like an inbox, no coordinator answers.
func CheckInboxPrefix(prefix string) error {
	if !answerable(prefix) {
		return fmt.Errorf("%q is no prefix of a subject for answers: begin it with _, such as _INBOX_jobs", prefix)
	}
	if strings.ContainsAny(prefix, " \t\r\n*>\"'") || strings.Contains("."+prefix+".", "..") {
		return fmt.Errorf("%q is no prefix of a subject: use words with dots between, such as _INBOX_jobs", prefix)
	}
	return nil
}

// plain is an error of the client without its name in front.
func plain(err error) error { return errors.New(strings.TrimPrefix(err.Error(), "nats: ")) }

// Exposed reports whether a password or a token has gone to another machine over a connection that is not encrypted.
func Exposed(nc *nats.Conn) bool {
	if _, err := nc.TLSConnectionState(); err == nil {
		return false
	}
	host, _, err := net.SplitHostPort(nc.ConnectedAddr())
	if err != nil {
		return false // a connection inside this process
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsLoopback() {
		return false
	}
	return nc.Opts.Password != "" || nc.Opts.Token != "" || strings.Contains(nc.ConnectedUrl(), "@")
}
