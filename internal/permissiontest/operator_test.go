package permissiontest_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"jetreduce/bus"
	"jetreduce/coordinator"
)

// Users of other accounts of the same operator, to which nobody has given anything, and which import the same as the client's.
const (
	stranger = "stranger" // shows nothing
	thief    = "thief"    // shows what was given to the client's
)

// operator signs accounts, whose keys sign users: a server knows no user by itself.
type operator struct {
	t       *testing.T
	key     nkeys.KeyPair
	preload strings.Builder        // the accounts, for the server
	logins  map[string]nats.Option // by user
}

// operated is the configuration of a server of an operator, and what each user logs in with.
func (l layout) operated(t *testing.T) (file string, logins map[string]nats.Option) {
	t.Helper()
	o := &operator{t: t, logins: map[string]nats.Option{}}
	o.key, _ = o.pair(nkeys.CreateOperator)
	home, public := o.pair(nkeys.CreateAccount)
	o.enter(l.home(t, public))
	o.user(home, admin, jwt.Permissions{})
	o.user(home, nobody, jwt.Permissions{
		Pub: jwt.Permission{Deny: jwt.StringList{">"}}, Sub: jwt.Permission{Allow: jwt.StringList{inbox("worker") + ".>"}},
	})
	for _, user := range slices.Sorted(maps.Keys(l.users)) {
		account, c := home, l.users[user]
		if l.apart && c.Role != bus.RoleCoordinator {
			account = o.beside(home, c)
			o.user(account, bare(user), jwt.Permissions{})
		}
		p, err := bus.PermissionsOf(c)
		if err != nil {
			t.Fatal(err)
		}
		o.user(account, user, permitted(t, p.NSC()))
	}
	return o.configuration(), o.logins
}

// home is the account of jetreduce, which has JetStream, and exports to whom it gives activations.
func (l layout) home(t *testing.T, public string) *jwt.AccountClaims {
	t.Helper()
	claims := jwt.NewAccountClaims(public)
	most := int64(jwt.NoLimit)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: most, DiskStorage: most, Streams: most, Consumer: most}
	for _, e := range l.exports(t) {
		export := &jwt.Export{Name: e.Subject, Subject: jwt.Subject(e.Subject), Type: kind(e), TokenReq: true}
		if e.Many {
			export.ResponseType = jwt.ResponseTypeStream
		}
		claims.Exports.Add(export)
	}
	return claims
}

func (l layout) exports(t *testing.T) []bus.Import {
	t.Helper()
	if !l.apart {
		return nil
	}
	var importing []bus.PermissionsConfig
	for _, c := range l.users {
		if c.Role != bus.RoleCoordinator {
			importing = append(importing, c)
		}
	}
	exports, err := bus.ExportsOf(importing...)
	if err != nil {
		t.Fatal(err)
	}
	return exports
}

func kind(i bus.Import) jwt.ExportType {
	if i.Stream {
		return jwt.Stream
	}
	return jwt.Service
}

// beside is an account that imports what a role needs, by activations of its own.
func (o *operator) beside(home nkeys.KeyPair, c bus.PermissionsConfig) nkeys.KeyPair {
	o.t.Helper()
	imports, err := bus.ImportsOf(c)
	if err != nil {
		o.t.Fatal(err)
	}
	account, public := o.pair(nkeys.CreateAccount)
	from, err := home.PublicKey()
	if err != nil {
		o.t.Fatal(err)
	}
	claims := jwt.NewAccountClaims(public)
	for _, i := range imports {
		activation := jwt.NewActivationClaims(public)
		activation.ImportSubject, activation.ImportType = jwt.Subject(i.Subject), kind(i)
		claims.Imports.Add(&jwt.Import{
			Name: i.Subject, Subject: jwt.Subject(i.Subject), Account: from, Type: kind(i), Token: o.signed(activation, home),
		})
	}
	o.enter(claims)
	if c.Role == bus.RoleClient && !c.Exec {
		o.others(claims.Imports)
	}
	return account
}

// others are accounts that import what was not given to them.
func (o *operator) others(imports jwt.Imports) {
	o.t.Helper()
	for _, user := range []string{stranger, thief} {
		account, public := o.pair(nkeys.CreateAccount)
		claims := jwt.NewAccountClaims(public)
		for _, i := range imports {
			shown := *i
			if user == stranger {
				shown.Token = ""
			}
			claims.Imports.Add(&shown)
		}
		o.enter(claims)
		o.user(account, user, jwt.Permissions{})
	}
}

func (o *operator) pair(create func() (nkeys.KeyPair, error)) (key nkeys.KeyPair, public string) {
	o.t.Helper()
	key, err := create()
	if err == nil {
		public, err = key.PublicKey()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return key, public
}

func (o *operator) signed(claims jwt.Claims, by nkeys.KeyPair) string {
	o.t.Helper()
	text, err := claims.Encode(by)
	if err != nil {
		o.t.Fatal(err)
	}
	return text
}

// enter makes an account known to the server.
func (o *operator) enter(claims *jwt.AccountClaims) {
	o.t.Helper()
	fmt.Fprintf(&o.preload, "  %s: %s\n", claims.Subject, o.signed(claims, o.key))
}

func (o *operator) user(account nkeys.KeyPair, name string, p jwt.Permissions) {
	o.t.Helper()
	key, public := o.pair(nkeys.CreateUser)
	claims := jwt.NewUserClaims(public)
	claims.Name, claims.Permissions = name, p
	seed, err := key.Seed()
	if err != nil {
		o.t.Fatal(err)
	}
	o.logins[name] = nats.UserJWTAndSeed(o.signed(claims, account), string(seed))
}

func (o *operator) configuration() (file string) {
	o.t.Helper()
	_, system := o.pair(nkeys.CreateAccount)
	o.enter(jwt.NewAccountClaims(system))
	_, public := o.pair(func() (nkeys.KeyPair, error) { return o.key, nil })
	return written(o.t, fmt.Sprintf("listen: 127.0.0.1:-1\njetstream { store_dir: %q }\noperator: %s\nsystem_account: %s\n"+
		"resolver: MEMORY\nresolver_preload: {\n%s}\n", o.t.TempDir(), o.signed(jwt.NewOperatorClaims(public), o.key), system, &o.preload))
}

// permitted reads what is printed as arguments of nsc, as nsc takes it.
func permitted(t *testing.T, text string) (p jwt.Permissions) {
	t.Helper()
	p.Resp = &jwt.ResponsePermission{}
	words := strings.Fields(strings.ReplaceAll(text, "\\\n", " "))
	for i, word := range words {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "--allow-pub":
			p.Pub.Allow = strings.Split(strings.Trim(words[i+1], "'"), ",")
		case "--allow-sub":
			p.Sub.Allow = strings.Split(strings.Trim(words[i+1], "'"), ",")
		case "--allow-pub-response":
			p.Resp.MaxMsgs, err = strconv.Atoi(value)
		case "--response-ttl":
			p.Resp.Expires, err = time.ParseDuration(value)
		default:
			if strings.HasPrefix(name, "-") {
				err = errors.New("is not known here")
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", word, err)
		}
	}
	if p.Resp.MaxMsgs == 0 {
		p.Resp = nil
	}
	return p
}

// Users are held to what is printed for nsc, and accounts to what was activated for them.
func TestOperatorHoldsEachUserToItsPermissions(t *testing.T) {
	inEachLayout(t, func(t *testing.T, l layout) {
		ctx := deadline(t)
		l.operator = true
		w := newWorldOf(ctx, t, l, coordinator.Config{})
		w.stores(ctx)
		w.exact(ctx, w.bus("client"))
		w.quiet(append(l.ways, "CONSUMER.DELETE.PULLED.")...)
		w.mustNotWriteTheState()
		if l.apart {
			w.mustKeepOut()
		}
	})
}

// mustKeepOut asks in accounts to which nothing was given.
func (s *stage) mustKeepOut() {
	s.t.Helper()
	answer, err := s.as(stranger).Request("jetreduce.api.list", nil, 5*time.Second)
	if !errors.Is(err, nats.ErrNoResponders) {
		s.t.Errorf("%s is answered %v, %v", stranger, answer, err)
	}
	nc, err := nats.Connect(s.server.ClientURL(), s.logins[thief])
	if !errors.Is(err, nats.ErrAuthorization) {
		s.t.Errorf("%s is let in: %v", thief, err)
	}
	if err == nil {
		nc.Close()
	}
}
