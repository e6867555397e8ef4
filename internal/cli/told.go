package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"jetreduce/bus"
)

// rank is how much somebody's word counts about a server: a flag's more than a variable's, and that more than a context's.
type rank int

const (
	unsaid rank = iota
	byContext
	byVariable
	byFlag
)

// word is what somebody says about a server, and who says it, as users know it.
type word struct {
	value, by string
	rank      rank
}

// said is what the flag of this name says, else its variable, else the context.
func (f *serverFlag) said(name, fromContext string) word {
	for _, text := range f.texts("") {
		if text.name != name {
			continue
		}
		if *text.to != "" {
			return word{*text.to, "--" + name, byFlag}
		}
		if value := os.Getenv(text.variable); text.variable != "" && value != "" {
			return word{value, text.variable, byVariable}
		}
	}
	if fromContext != "" {
		return word{fromContext, name + " of context " + f.said("context", "").value, byContext}
	}
	return word{}
}

// told is all that was said about a server.
type told struct {
	url, inbox                         word
	creds, nkey, user, password, token word
	cert, key, ca                      word
	first                              bool
}

// told collects what the flags, the variables and the context say. Each word of a context is replaced alone, but for its login.
func (f *serverFlag) told() (t told, err error) {
	var c natsContext
	if named := f.said("context", ""); named.by != "" {
		if c, err = loadContext(named.value); err != nil {
			return t, usageError{fmt.Errorf("%s: %w", named.by, err)}
		}
		c.URL = cmp.Or(c.URL, defaultURL) // as the nats command has it
	}
	t = told{
		url: f.said("server", c.URL), inbox: f.said("inbox-prefix", c.InboxPrefix),
		creds: f.said("creds", c.Creds), nkey: f.said("nkey", c.NKey), token: f.said("token", c.Token),
		user: f.said("user", c.User), password: f.said("password", c.Password),
		cert: f.said("tlscert", c.Cert), key: f.said("tlskey", c.Key), ca: f.said("tlsca", c.CA), first: c.TLSFirst,
	}
	if f.cmd != nil && f.cmd.Flags().Changed(firstFlag) {
		t.first = f.first
	}
	return t, nil
}

const defaultURL = "nats://" + bus.DefaultAddr

// way is a way to log in, as somebody has named it.
type way struct {
	rank  rank
	by    string
	login func() (bus.Login, error)
}

// ways are those that somebody has named.
func (t told) ways() []way {
	all := []way{
		{t.creds.rank, t.creds.by, func() (bus.Login, error) {
			return bus.Login{Creds: t.creds.value}, named(t.creds, bus.CheckCreds(t.creds.value))
		}},
		{t.nkey.rank, t.nkey.by, func() (bus.Login, error) {
			return bus.Login{NKey: t.nkey.value}, named(t.nkey, bus.CheckSeed(t.nkey.value))
		}},
		{t.token.rank, t.token.by, func() (bus.Login, error) { return bus.Login{Token: t.token.value}, nil }},
		{max(t.user.rank, t.password.rank), cmp.Or(t.user.by, t.password.by), t.asUser},
		{rankIf(hasLogin(t.url.value), t.url.rank), "the URL of " + t.url.by, func() (bus.Login, error) { return bus.Login{}, nil }},
	}
	return slices.DeleteFunc(all, func(w way) bool { return w.rank == unsaid })
}

func rankIf(is bool, r rank) rank {
	if is {
		return r
	}
	return unsaid
}

// asUser pairs a user with a password. A context's password is not that of another user.
func (t told) asUser() (bus.Login, error) {
	password := t.password
	if t.user.rank > byContext && password.rank == byContext {
		password = word{}
	}
	switch {
	case t.user.by == "":
		return bus.Login{}, fmt.Errorf("%s: the password of whom? Name the user with --user or NATS_USER", password.by)
	case password.by == "" && t.user.rank > byContext: // as the nats command has it
		return bus.Login{Token: t.user.value}, nil
	}
	return bus.Login{User: t.user.value, Password: password.value}, nil
}

// login is how to log in: in the way that was named last, of flag, variable and context. Two ways at once are refused.
func (t told) login() (bus.Login, error) {
	ways := t.ways()
	if len(ways) == 0 {
		return bus.Login{}, nil
	}
	slices.SortStableFunc(ways, func(a, b way) int { return cmp.Compare(b.rank, a.rank) })
	if len(ways) > 1 && ways[0].rank == ways[1].rank {
		return bus.Login{}, fmt.Errorf("%s and %s are two ways to log in: leave out one", ways[0].by, ways[1].by)
	}
	return ways[0].login()
}

// tls is how the connection is encrypted.
func (t told) tls() (bus.TLS, error) {
	c := bus.TLS{Cert: t.cert.value, Key: t.key.value, CA: t.ca.value, First: t.first}
	switch {
	case c.Cert != "" && c.Key == "":
		return c, fmt.Errorf("%s: its key is missing: name it with --tlskey or NATS_KEY", t.cert.by)
	case c.Cert == "" && c.Key != "":
		return c, fmt.Errorf("%s: the key of what? Name the certificate with --tlscert or NATS_CERT", t.key.by)
	}
	var err error
	if c.Cert != "" {
		err = bus.CheckCert(c.Cert, c.Key)
		if err != nil {
			err = fmt.Errorf("%s, %s: %w", t.cert.by, t.key.by, err)
		}
	}
	if c.CA != "" {
		err = errors.Join(err, named(t.ca, bus.CheckCA(c.CA)))
	}
	return c, err
}

// named is an error with who has said what is wrong.
func named(by word, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", by.by, err)
}

// config is all of it, as the bus takes it.
func (t told) config() (c bus.ConnectConfig, err error) {
	c.URL, c.InboxPrefix = t.url.value, t.inbox.value
	if err = named(t.url, bus.CheckURL(c.URL)); err == nil {
		c.Login, err = t.login()
	}
	if err == nil {
		c.TLS, err = t.tls()
	}
	if err == nil && c.InboxPrefix != "" {
		err = named(t.inbox, bus.CheckInboxPrefix(c.InboxPrefix))
	}
	if c.Login != (bus.Login{}) {
		c.URL = withoutLogin(c.URL) // the client would prefer that of the URL
	}
	if err != nil {
		return c, usageError{err}
	}
	return c, nil
}

// hasLogin reports whether one of several URLs says who logs in.
func hasLogin(urls string) bool {
	return slices.ContainsFunc(bus.Servers(urls), func(each string) bool { return each != bare(each) })
}

// withoutLogin is URLs without users and passwords.
func withoutLogin(urls string) string {
	servers := bus.Servers(urls)
	for i, each := range servers {
		servers[i] = bare(each)
	}
	return strings.Join(servers, ",")
}

// bare is the URL of one server without its login. One that cannot be read is refused elsewhere.
func bare(server string) string {
	u, err := url.Parse(server)
	if err != nil || u.User == nil {
		return server
	}
	u.User = nil
	return u.String()
}
