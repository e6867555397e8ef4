package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// guardedName is a file in the store of a bus that is served with TLS or by a configuration, and says so. The streams of such a bus must
// not be served to everybody only because its host has died and somebody else finds them.
const guardedName = "guarded"

// guardedBy is how a store was served; "": openly.
func guardedBy(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, guardedName))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look how the bus was served: %w", err)
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
	laxer := c.guards() == "" || c.Config == "" && strings.Contains(was, "--config ") || c.TLS.CA == "" && strings.Contains(was, "--tlsca ")
	if err == nil && was != "" && laxer {
		err = fmt.Errorf("the streams in %s were served with %s: serve them so again; to let in whoever that kept out, remove %s first",
			store.Dir(), was, filepath.Join(store.Dir(), guardedName))
	}
	return err
}

// noteGuards notes how a store is served, unless that is openly.
func (c ServeConfig) noteGuards(store *BusStore) error {
	if now := c.guards(); now != "" {
		if err := writeSynced(filepath.Join(store.Dir(), guardedName), now+"\n"); err != nil {
			return fmt.Errorf("note how the bus is served: %w", err)
		}
	}
	return nil
}

// checkOpen refuses to host the bus of a machine that is served in a way which this process does not know.
func checkOpen(dir string) error {
	how, err := guardedBy(dir)
	if err == nil && how != "" {
		err = fmt.Errorf("the bus in %s is served by `jetreduce bus %s`, which says who may use it: start that, and name it with --server URL",
			dir, how)
	}
	return err
}
