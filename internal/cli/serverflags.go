package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jetreduce/bus"
)

// serverFlag says which NATS server to use, how to log in there, and under which prefix jetreduce lives there: by flags, by the
// variables of the nats command, or by one of its contexts.
type serverFlag struct {
	cmd *cobra.Command

	url, context, prefix, inbox        string
	creds, nkey, user, password, token string
	cert, key, ca                      string
	first                              bool
}

// serverText is a flag that says something about a server. The variable says the same when the flag is not given.
type serverText struct {
	to                    *string
	name, variable, usage string
}

// texts are the flags but for --tlsfirst, as the nats command has them.
func (f *serverFlag) texts(otherwise string) []serverText {
	return []serverText{
		{&f.url, "server", "NATS_URL", "`URL` of the NATS server, several with commas between (" + otherwise + ")"},
		{&f.context, "context", "NATS_CONTEXT", "context of the nats command: its `NAME` or file"},
		{&f.creds, "creds", "NATS_CREDS", "log in with a credentials `FILE`"},
		{&f.nkey, "nkey", "NATS_NKEY", "log in with the seed in `FILE`"},
		{&f.user, "user", "NATS_USER", "log in as `USER`; without a password it is a token"},
		{&f.password, "password", "NATS_PASSWORD", "`PASSWORD` of that user; others on this machine see what is typed"},
		{&f.token, "token", "NATS_TOKEN", "log in with a `TOKEN`"},
		{&f.cert, "tlscert", "NATS_CERT", "certificate of this client, in `FILE`"},
		{&f.key, "tlskey", "NATS_KEY", "key of that certificate, in `FILE`"},
		{&f.ca, "tlsca", "NATS_CA", "who vouches for the server's certificate, in `FILE` (whom the system trusts)"},
		{&f.inbox, "inbox-prefix", "", "what the subjects of answers begin with, as a `SUBJECT` (each role has its own)"},
		{&f.prefix, "prefix", prefixVariable, "`NAME` in front of all that jetreduce has on the server (" + bus.DefaultPrefix + ")"},
	}
}

const (
	firstFlag      = "tlsfirst"
	prefixVariable = "JETREDUCE_PREFIX"
)

// register declares the flags. Otherwise says which server is used when none is named.
func (f *serverFlag) register(cmd *cobra.Command, otherwise string) {
	f.cmd = cmd
	var group []string
	for _, text := range f.texts(otherwise) {
		usage := text.usage
		if text.variable != "" {
			usage += "; or " + text.variable
		}
		cmd.Flags().StringVar(text.to, text.name, "", usage)
		group = append(group, text.name)
	}
	cmd.Flags().BoolVar(&f.first, firstFlag, false, "TLS comes before the server's greeting")
	_ = cmd.RegisterFlagCompletionFunc("context", completeContext) // it fails for a flag that is not there
	helpApart(cmd, "Server flags", append(group, firstFlag)[1:])
}

// completeContext completes the names of contexts.
func completeContext(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return contextNames(), cobra.ShellCompDirectiveDefault
}

// serverFlagNames are the flags about the server that may have been typed.
func serverFlagNames() (names []string) {
	for _, text := range new(serverFlag).texts("") {
		names = append(names, text.name)
	}
	return append(names, firstFlag)
}

// typed are those of the flags that were typed, but for these.
func (f *serverFlag) typed(but ...string) (flags []string) {
	for _, name := range serverFlagNames() {
		if f.cmd.Flags().Changed(name) && !slices.Contains(but, name) {
			flags = append(flags, "--"+name)
		}
	}
	return flags
}

// checkEmpty refuses flags that were typed and say nothing: passed over, they would leave the word to a variable or a context, and
// another user would log in, somewhere else.
func (f *serverFlag) checkEmpty() error {
	for _, text := range f.texts("") {
		if *text.to == "" && f.cmd.Flags().Changed(text.name) {
			return usageError{fmt.Errorf("--%s is empty, as a variable that is not set leaves it: say what is meant, or leave it out", text.name)}
		}
	}
	return nil
}

// set are the variables that say how to log in.
func (f *serverFlag) set() (variables []string) {
	for _, text := range f.texts("") {
		if text.name != "server" && text.name != "context" && text.name != "prefix" && os.Getenv(text.variable) != "" {
			variables = append(variables, text.variable)
		}
	}
	for _, other := range foreign() {
		if other.login {
			variables = append(variables, other.variable)
		}
	}
	return variables
}

// unused are the variables that mean nothing where no server is used.
func (f *serverFlag) unused() []string {
	variables := f.set()
	for _, other := range foreign() {
		if !other.login {
			variables = append(variables, other.variable)
		}
	}
	return variables
}

// foreigner is a variable of the nats command that jetreduce does not support.
type foreigner struct {
	variable, instead string
	login             bool // it says how to log in
}

// foreign are those that are set.
func foreign() []foreigner {
	return slices.DeleteFunc([]foreigner{
		{"NATS_SOCKS_PROXY", "jetreduce knows no proxies", false},
		{"NATS_JWT", "put the JWT and its seed into a credentials file, and name that with NATS_CREDS", true},
		{"NATS_SEED", "put the seed into a file, and name that with NATS_NKEY, or with NATS_CREDS beside its JWT", true},
	}, func(f foreigner) bool { return os.Getenv(f.variable) == "" })
}

// checkForeign refuses them where a server is used: they would be passed over.
func checkForeign() error {
	set := foreign()
	if len(set) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%s is set, and not supported: %s; or `unset %s`", set[0].variable, set[0].instead, set[0].variable)}
}

// prefixed is the prefix that was asked for, or "".
func (f *serverFlag) prefixed() (string, error) {
	said := f.said("prefix", "")
	if said.by == "" {
		return "", nil
	}
	if err := bus.CheckPrefix(said.value); err != nil {
		return "", usageError{fmt.Errorf("%s: %w", said.by, err)}
	}
	return said.value, nil
}

// alone refuses a login without a server, where none is used then.
func alone(names []string, where string) error {
	if len(names) == 0 {
		return nil
	}
	return usageError{errors.New(strings.Join(names, " ") + ": " + where +
		": name a server with --server, --context, NATS_URL or NATS_CONTEXT, or leave this out")}
}
