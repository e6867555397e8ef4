package bustest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// Identities are files by which clients and servers show who they are, made for one test:
//
//	ca.pem  server.pem server.key  client.pem client.key    certificates, for 127.0.0.1
//	strangers.pem                                           of nobody's
//	user.nk other.nk                                        seeds of two users
//	user.creds next.creds stale.creds alien.creds           of an account with JetStream, that have expired, of another operator
//	operator.conf nkey.conf                                 what a server is told about them
type Identities struct{ Dir string }

// NewIdentities makes them for a test.
func NewIdentities(t testing.TB) Identities {
	t.Helper()
	ids, err := WriteIdentities(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// WriteIdentities writes them into a directory.
func WriteIdentities(dir string) (Identities, error) {
	i := Identities{dir}
	return i, errors.Join(i.certificates(), i.seeds(), i.operator())
}

// File is the path of one of them.
func (i Identities) File(name string) string { return filepath.Join(i.Dir, name) }

func (i Identities) write(name string, data []byte) error {
	return os.WriteFile(i.File(name), data, 0o600)
}

// issuer is who signs certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (i Identities) certificates() error {
	ca, err := i.issue("ca", issuer{})
	if err != nil {
		return err
	}
	_, strangers := i.issue("strangers", issuer{})
	_, server := i.issue("server", ca)
	_, client := i.issue("client", ca)
	return errors.Join(strangers, server, client)
}

// issue writes a certificate and its key. Without an issuer it signs itself, and others.
func (i Identities) issue(name string, by issuer) (issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return issuer{}, err
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: by.cert == nil,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := cmp.Or(by.cert, cert), cmp.Or(by.key, key)
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
	if err != nil {
		return issuer{}, err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return issuer{}, err
	}
	return issuer{cert, key}, errors.Join(
		i.write(name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		i.write(name+".key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})))
}

// seeds writes two seeds, and a configuration that lets in the first.
func (i Identities) seeds() error {
	for _, name := range []string{"user", "other"} {
		public, seed, err := newKey(nkeys.CreateUser)
		if err == nil {
			err = i.write(name+".nk", seed)
		}
		if err == nil && name == "user" {
			err = i.write("nkey.conf", fmt.Appendf(nil, "authorization { users: [ { nkey: %s } ] }\n", public))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func newKey(create func() (nkeys.KeyPair, error)) (public string, seed []byte, err error) {
	key, err := create()
	if err != nil {
		return "", nil, err
	}
	seed, err = key.Seed()
	if err == nil {
		public, err = key.PublicKey()
	}
	return public, seed, err
}

// operator writes credentials, and a configuration for a server of their operator.
func (i Identities) operator() error {
	operator, err := nkeys.CreateOperator()
	if err != nil {
		return err
	}
	account, err := nkeys.CreateAccount()
	if err != nil {
		return err
	}
	alien, err := nkeys.CreateAccount()
	if err != nil {
		return err
	}
	return errors.Join(
		i.configure(operator, account),
		i.credentials("user", account, time.Now().Add(time.Hour)),
		i.credentials("next", account, time.Now().Add(time.Hour)),
		i.credentials("stale", account, time.Now().Add(-time.Hour)),
		i.credentials("alien", alien, time.Now().Add(time.Hour)))
}

// configure writes what a server must know of an operator with one account that has JetStream.
func (i Identities) configure(operator, account nkeys.KeyPair) error {
	name, _ := operator.PublicKey() // of keys that have just been made, and are whole
	claims := jwt.NewOperatorClaims(name)
	text, err := claims.Encode(operator)
	if err != nil {
		return err
	}
	system, _, err := newKey(nkeys.CreateAccount)
	if err != nil {
		return err
	}
	public, _ := account.PublicKey()
	conf := fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n", text, system)
	for _, each := range []string{system, public} {
		claims := jwt.NewAccountClaims(each)
		if most := int64(jwt.NoLimit); each == public {
			claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: most, DiskStorage: most, Streams: most, Consumer: most}
		}
		text, err := claims.Encode(operator)
		if err != nil {
			return err
		}
		conf += fmt.Sprintf("  %s: %s\n", each, text)
	}
	return i.write("operator.conf", []byte(conf+"}\n"))
}

// credentials writes the credentials of a user of an account.
func (i Identities) credentials(name string, account nkeys.KeyPair, until time.Time) error {
	public, seed, err := newKey(nkeys.CreateUser)
	if err != nil {
		return err
	}
	claims := jwt.NewUserClaims(public)
	claims.Name, claims.Expires = name, until.Unix()
	text, err := claims.Encode(account)
	if err != nil {
		return err
	}
	creds, err := jwt.FormatUserConfig(text, seed)
	if err != nil {
		return err
	}
	return i.write(name+".creds", creds)
}
