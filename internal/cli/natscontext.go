package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// natsContext is a context of the nats command: a file of JSON, NAME.json in the directory of contexts. That command's own library
// comes with all of its dependencies, and the small one that is made of it connects by itself, once: neither leaves it to us to
// wait, to visit several servers, or to refuse what it passes over.
type natsContext struct {
	URL         string `json:"url"`
	Token       string `json:"token"`
	User        string `json:"user"`
	Password    string `json:"password"`
	Creds       string `json:"creds"`
	NKey        string `json:"nkey"`
	Cert        string `json:"cert"`
	Key         string `json:"key"`
	CA          string `json:"ca"`
	InboxPrefix string `json:"inbox_prefix"`
	TLSFirst    bool   `json:"tls_first"`

	contextBeyond
}

// contextBeyond is what a context may say and jetreduce does not do.
type contextBeyond struct {
	SocksProxy          string   `json:"socks_proxy"`
	NSCLookup           string   `json:"nsc"`
	JSDomain            string   `json:"jetstream_domain"`
	JSAPIPrefix         string   `json:"jetstream_api_prefix"`
	UserJWT             string   `json:"user_jwt"`
	UserSeed            string   `json:"user_seed"`
	WinCertStoreType    string   `json:"windows_cert_store"`
	WinCertStoreMatch   string   `json:"windows_cert_match"`
	WinCertStoreCAMatch []string `json:"windows_ca_certs_match"`
}

// loadContext reads a context by its name or its file.
func loadContext(name string) (c natsContext, err error) {
	path, err := contextPath(name)
	if err != nil {
		return c, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return c, unknownContext(name, path)
	}
	if err == nil {
		c, err = readContext(data)
	}
	if err != nil {
		return c, fmt.Errorf("context %s: %w", path, err)
	}
	return c, nil
}

// contextPath is the file of a context. A name has no separators; what has some, or ends as a file that is there, is a path.
func contextPath(name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return name, nil
	}
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && strings.HasSuffix(name, ".json") {
		return name, nil
	}
	if strings.Contains(name, "..") {
		return "", fmt.Errorf("context %q: is no name", name)
	}
	dir, err := contextDir()
	return filepath.Join(dir, name+".json"), err
}

// contextDir is where the nats command keeps its contexts.
func contextDir() (string, error) {
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the contexts of the nats command: %w: give the file of one", err)
		}
		config = filepath.Join(home, ".config")
	}
	return filepath.Join(config, "nats", "context"), nil
}

// contextNames are the contexts that there are.
func contextNames() (names []string) {
	dir, err := contextDir()
	if err != nil {
		return nil
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.json")) // the pattern may be bad where the directory's name has signs of one
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return names
}

func unknownContext(name, path string) error {
	err := fmt.Errorf("there is no context %q (%s)", name, path)
	if names := contextNames(); len(names) > 0 {
		return fmt.Errorf("%w: use %s", err, strings.Join(names, ", "))
	}
	return fmt.Errorf("%w: make one with `nats context add`", err)
}

// readContext reads a context. What it says and cannot be done is an error; no error quotes what stands in it.
func readContext(data []byte) (c natsContext, err error) {
	if err := json.Unmarshal(data, &c); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return natsContext{}, fmt.Errorf("the value of %s is of another kind", wrong.Field)
		}
		return natsContext{}, errors.New("it is no JSON object, as `nats context add` makes it")
	}
	if err := c.refuse(); err != nil {
		return natsContext{}, err
	}
	for _, file := range []*string{&c.Creds, &c.NKey, &c.Cert, &c.Key, &c.CA} {
		*file = expanded(*file)
	}
	return c, nil
}

// refuse refuses what would be passed over.
func (c natsContext) refuse() error {
	for _, beyond := range []struct{ field, value, instead string }{
		{"socks_proxy", c.SocksProxy, "jetreduce knows no proxies"},
		{"nsc", c.NSCLookup, "write a credentials file with `nsc generate creds`, and name that with creds"},
		{"jetstream_domain", c.JSDomain, "connect to a server of that domain"},
		{"jetstream_api_prefix", c.JSAPIPrefix, "connect to the account that has the streams"},
		{"user_jwt", c.UserJWT, "put the JWT and its seed into a credentials file, and name that with creds"},
		{"user_seed", c.UserSeed, "put the seed into a credentials file, and name that with creds"},
		{"windows_cert_store", c.WinCertStoreType, "name files with cert and key"},
		{"windows_cert_match", c.WinCertStoreMatch, "name files with cert and key"},
		{"windows_ca_certs_match", strings.Join(c.WinCertStoreCAMatch, ""), "name a file with ca"},
	} {
		if beyond.value != "" {
			return fmt.Errorf("it has %s, which is not supported: %s", beyond.field, beyond.instead)
		}
	}
	return c.refuseReferences()
}

// refuseReferences refuses logins that say only where they stand.
func (c natsContext) refuseReferences() error {
	for _, login := range []struct{ field, value string }{
		{"creds", c.Creds}, {"nkey", c.NKey}, {"password", c.Password}, {"token", c.Token},
	} {
		for _, scheme := range []string{"op://", "env://", "nsc://", "data:"} {
			if strings.HasPrefix(strings.ToLower(login.value), scheme) {
				return fmt.Errorf("its %s is a reference (%s), which is not supported: name it with --%s", login.field, scheme, login.field)
			}
		}
	}
	return nil
}

// expanded is the name of a file as the nats command reads it: ~ and variables stand for what they stand for in a shell.
func expanded(file string) string {
	file = strings.TrimPrefix(os.ExpandEnv(file), "file://")
	if rest, found := strings.CutPrefix(file, "~"); found {
		if home, err := os.UserHomeDir(); err == nil {
			return home + rest
		}
	}
	return file
}
