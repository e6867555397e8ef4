package bus

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// BusStore is the store of a lasting bus: whoever holds it hosts the bus, and the next holder goes on with its streams.
// Nothing of ours ever removes it.
//
//	DIR/
//	  lock        "bus 1 4711"
//	  jetstream/  the streams
//	  address     where the host listens, or the last one did: nats://127.0.0.1:4222
//	  guarded     how it is served, if not to everybody who reaches the port
//	  ports/      none of its matter: see PortStores
type BusStore struct{ hold }

const (
	// layout is the version of what is in a store. A newer nats-server reads an older one's streams; a layout that an
	// older jetreduce would misread gets the next number.
	layout      = "1"
	addressName = "address"
	addressNew  = "address.new"
)

// PortStores is a directory that may be in that of a lasting bus, or there before it: stores that are none of its matter, of
// coordinators that serve one port each.
const PortStores = "ports"

var busStore = kind{
	of: "a lasting bus", mark: "bus " + layout, beside: PortStores,
	entries: []string{streamsName, addressName, addressNew, guardedName, guardedNew},
	choice:  "--store or JETREDUCE_STORE",
}

// OpenBusStore makes the directory unless it is there, and locks it as the store of a lasting bus. ErrStoreInUse: another
// process hosts the bus; the error names it.
func OpenBusStore(dir string) (*BusStore, error) {
	held, err := busStore.take(dir)
	if err != nil {
		return nil, err
	}
	s := &BusStore{held}
	// Streams without a mark, after the machine has crashed, would be nobody's.
	if err := errors.Join(s.lock.Sync(), syncDir(s.dir)); err != nil {
		return nil, errors.Join(busStore.unusable(s.dir, err), s.Close())
	}
	return s, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close lets go of the store. All that is in it stays.
func (s *BusStore) Close() error { return s.lock.Close() }

// BusAddress reads where the host of a store listens, or where the last one did. os.ErrNotExist: none has yet.
func BusAddress(dir string) (string, error) {
	path := filepath.Join(dir, addressName)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the address of the bus: %w", err)
	}
	u, err := url.Parse(strings.TrimSpace(string(text)))
	if err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Port() == "" {
		return "", fmt.Errorf("%s says %q: remove it, or name a server with --server", path, text)
	}
	return u.String(), nil
}

// setAddress says where the holder listens. Who reads sees the old address or the new one, never half of it.
func (s *BusStore) setAddress(listens string) error {
	if err := s.replace(addressName, addressNew, listens); err != nil {
		return fmt.Errorf("write the address of the bus: %w", err)
	}
	return nil
}

// replace puts a line into a file by way of another: killed in between, the file holds the line before.
func (s *BusStore) replace(name, next, line string) error {
	next = filepath.Join(s.dir, next)
	if err := writeSynced(next, line+"\n"); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(s.dir, name)); err != nil {
		return err
	}
	return syncDir(s.dir)
}

func writeSynced(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// forgetAddress takes back an earlier holder's address, at which this one will not listen.
func (s *BusStore) forgetAddress() error {
	err := os.Remove(filepath.Join(s.dir, addressName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the old address of the bus: %w", err)
	}
	return nil
}
