package cli

import (
	"slices"

	"jetreduce/bus"
)

// spoken is what a user says about a server, and what comes of it.
type spoken struct {
	name      string
	flags     string
	variables map[string]string
	context   string // JSON; it is named with --context prod unless variables name it

	url     string
	login   bus.Login
	tls     bus.TLS
	inbox   string
	refused []string
}

var ann, bob = bus.Login{User: "ann", Password: "a"}, bus.Login{User: "bob", Password: "b"}

const annOf = `{"url":"nats://c:1","user":"ann","password":"a"}`

func ofBob() map[string]string { return map[string]string{"NATS_USER": "bob", "NATS_PASSWORD": "b"} }

func words() []spoken {
	return slices.Concat(servers(), logins(), users(), connections(), badLogins(), badFiles(), badNames(), badVariables())
}

func servers() []spoken {
	return []spoken{
		{name: "nothing", url: ""},
		{name: "flag over variable", flags: "--server nats://f:1", variables: map[string]string{"NATS_URL": "nats://v:1"}, url: "nats://f:1"},
		{name: "variable over context", variables: map[string]string{"NATS_URL": "nats://v:1"}, context: annOf, url: "nats://v:1", login: ann},
		{name: "context", context: annOf, url: "nats://c:1", login: ann},
		{name: "context without a URL", context: `{"user":"ann","password":"a"}`, url: "nats://127.0.0.1:4222", login: ann},
		{name: "context of a variable", variables: map[string]string{"NATS_CONTEXT": "prod"}, context: annOf, url: "nats://c:1", login: ann},
	}
}

func logins() []spoken {
	return []spoken{
		{name: "login of variables over the context's", variables: ofBob(), context: annOf, url: "nats://c:1", login: bob},
		{name: "another way to log in", flags: "--creds DIR/user.creds", context: annOf, url: "nats://c:1",
			login: bus.Login{Creds: "DIR/user.creds"}},
		{name: "flag's way over the variables'", flags: "--server nats://f:1 --nkey DIR/user.nk", variables: ofBob(), url: "nats://f:1",
			login: bus.Login{NKey: "DIR/user.nk"}},
		{name: "login in the URL", flags: "--server nats://u:p@f:1", context: annOf, url: "nats://u:p@f:1"},
		{name: "flag over the login in a context's URL", flags: "--user bob --password b",
			context: `{"url":"nats://u:p@c:1,tls://c:2"}`, url: "nats://c:1,tls://c:2", login: bob},
		{name: "variables that nobody needs", variables: map[string]string{"NATS_SOCKS_PROXY": "x", "NATS_JWT": "x", "NATS_SEED": "x"}},
	}
}

func users() []spoken {
	return []spoken{
		{name: "password over the context's", flags: "--password b", context: annOf, url: "nats://c:1",
			login: bus.Login{User: "ann", Password: "b"}},
		{name: "user of a flag, password of a variable", flags: "--server nats://f:1 --user bob",
			variables: map[string]string{"NATS_PASSWORD": "b"}, url: "nats://f:1", login: bob},
		{name: "user alone is a token", flags: "--server nats://f:1 --user t", url: "nats://f:1", login: bus.Login{Token: "t"}},
		{name: "user over the context's is not paired with its password", flags: "--user t", context: annOf, url: "nats://c:1",
			login: bus.Login{Token: "t"}},
	}
}

func connections() []spoken {
	return []spoken{
		{name: "TLS", flags: "--server nats://f:1 --tlsca DIR/ca.pem", url: "nats://f:1",
			context: `{"cert":"DIR/client.pem","key":"DIR/client.key"}`,
			tls:     bus.TLS{Cert: "DIR/client.pem", Key: "DIR/client.key", CA: "DIR/ca.pem"}},
		{name: "TLS first, not first", flags: "--tlsfirst=false", context: `{"url":"nats://c:1","tls_first":true}`, url: "nats://c:1"},
		{name: "TLS first", context: `{"url":"nats://c:1","tls_first":true}`, url: "nats://c:1", tls: bus.TLS{First: true}},
		{name: "inboxes", flags: "--inbox-prefix _F", context: `{"url":"nats://c:1","inbox_prefix":"_C"}`, url: "nats://c:1", inbox: "_F"},
		{name: "home", context: `{"url":"nats://c:1","creds":"~/user.creds","ca":"$HOME/ca.pem"}`, url: "nats://c:1",
			login: bus.Login{Creds: "DIR/user.creds"}, tls: bus.TLS{CA: "DIR/ca.pem"}},
	}
}

func badLogins() []spoken {
	return []spoken{
		{name: "two ways", flags: "--server nats://f:1 --creds DIR/user.creds --token t", refused: []string{"--creds and --token", "two ways"}},
		{name: "two ways, one in the URL", flags: "--server nats://u:p@f:1 --token t", refused: []string{"--token and the URL of --server"}},
		{name: "password alone", flags: "--server nats://f:1 --password b", refused: []string{"--password: the password of whom?"}},
		{name: "key alone", flags: "--server nats://f:1 --tlskey DIR/client.key", refused: []string{"--tlskey: the key of what?"}},
		{name: "certificate alone", flags: "--server nats://f:1 --tlscert DIR/client.pem", refused: []string{"--tlscert: its key is missing"}},
	}
}

func badFiles() []spoken {
	return []spoken{
		{name: "no such file", flags: "--server nats://f:1", variables: map[string]string{"NATS_CREDS": "DIR/none"},
			refused: []string{"NATS_CREDS: open DIR/none: no such file"}},
		{name: "no such file of a context", context: `{"nkey":"DIR/none"}`,
			refused: []string{"nkey of context prod: open DIR/none: no such file"}},
		{name: "another file", flags: "--server nats://f:1 --tlsca DIR/user.nk", refused: []string{"--tlsca: DIR/user.nk holds no certificate"}},
	}
}

func badNames() []spoken {
	return []spoken{
		{name: "inboxes of none", flags: "--server nats://f:1 --inbox-prefix a.>", refused: []string{"--inbox-prefix", "no prefix of a subject"}},
		{name: "no such context", flags: "--context test", context: `{}`, refused: []string{`--context: there is no context "test"`, "use prod"}},
		{name: "prefix", flags: "--prefix A", refused: []string{`--prefix: prefix "A"`, "small letters"}},
		{name: "prefix of a variable", variables: map[string]string{"JETREDUCE_PREFIX": "a.b"},
			refused: []string{`JETREDUCE_PREFIX: prefix "a.b"`}},
		{name: "URL", flags: "--server nats://u:p/w@f:1", refused: []string{"--server: the address cannot be read", "nats://HOST:PORT"}},
		{name: "URL of a context", context: `{"url":"nats://c:x"}`, refused: []string{"server of context prod: the address cannot be read"}},
		{name: "URL and another login", flags: "--server nats://u:p#w@f:1 --token t", refused: []string{"--server: the address cannot be read"}},
	}
}

func badVariables() []spoken {
	return []spoken{
		{name: "proxy", flags: "--server nats://f:1", variables: map[string]string{"NATS_SOCKS_PROXY": "x"},
			refused: []string{"NATS_SOCKS_PROXY"}},
		{name: "JWT", flags: "--server nats://f:1", variables: map[string]string{"NATS_JWT": "x"}, refused: []string{"NATS_JWT", "NATS_CREDS"}},
		{name: "seed", context: annOf, variables: map[string]string{"NATS_SEED": "x"}, refused: []string{"NATS_SEED", "NATS_NKEY"}},
		{name: "JWT of a context", context: `{}`, variables: map[string]string{"NATS_JWT": "x"}, refused: []string{"NATS_JWT"}},
	}
}
