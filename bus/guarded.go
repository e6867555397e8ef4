package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// guardedName is a file in the store of a bus that is served with TLS or by a configuration, and says so. The streams of such a bus must
// not be served to everybody only because its host has died and somebody else finds them.
const (
	guardedName = "guarded"
	guardedNew  = "guarded.new"
)

// guardingFlags are those that keep somebody out.
var guardingFlags = []string{"--config ", "--tlscert ", "--tlsca "}

// unknownGuard is how a store was served whose file does not say it: an earlier jetreduce may have been killed while it wrote the file.
const unknownGuard = "logins or TLS"

// guardedBy is how a store was served; "": openly.
func guardedBy(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, guardedName))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look how the bus was served: %w", err)
	}
	if !slices.ContainsFunc(guardingFlags, func(flag string) bool { return strings.Contains(string(text), flag) }) {
		return unknownGuard, nil
	}
	return strings.TrimSpace(string(text)), nil
}

// guards is how this host serves, as the command line says it; "": openly.
func (c ServeConfig) guards() string {
	var flags []string
	if c.Config != "" {
		flags = append(flags, "--config "+c.Config)
	}
	if c.TLS.Cert != "" {
		flags = append(flags, "--tlscert "+c.TLS.Cert)
	}
	if c.TLS.CA != "" {
		flags = append(flags, "--tlsca "+c.TLS.CA)
	}
	return strings.Join(flags, " ")
}

// checkGuarded makes sure that a store which was guarded is so again.
func (c ServeConfig) checkGuarded(store *BusStore) error {
	was, err := guardedBy(store.Dir())
	now := c.guards()
	laxer := slices.ContainsFunc(guardingFlags, func(flag string) bool { return strings.Contains(was, flag) && !strings.Contains(now, flag) })
	if err == nil && (laxer || was == unknownGuard && now == "") {
		err = fmt.Errorf("the streams in %s were served with %s: serve them so again; to let in whoever that kept out, remove %s first",
			store.Dir(), was, filepath.Join(store.Dir(), guardedName))
	}
	return err
}

// noteGuards notes how a store is served, unless that is openly, or noted.
func (c ServeConfig) noteGuards(store *BusStore) error {
	was, err := guardedBy(store.Dir())
	now := c.guards()
	if err != nil || now == "" || now == was {
		return err
	}
	if err := store.replace(guardedName, guardedNew, now); err != nil {
		return fmt.Errorf("note how the bus is served: %w", err)
	}
	return nil
}

// checkOpen refuses to host the bus of a machine that is served in a way which this process does not know.
func checkOpen(dir string) error {
	how, err := guardedBy(dir)
	switch {
	case err != nil || how == "":
	case how == unknownGuard:
		err = fmt.Errorf("the bus in %s is served by a `jetreduce bus` with %s: start that, and name it with --server URL", dir, how)
	default:
		err = fmt.Errorf("the bus in %s is served by `jetreduce bus %s`, which says who may use it: start that, and name it with --server URL",
			dir, how)
	}
	return err
}
