package bus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// hold is a directory that one process holds.
//
//	DIR/
//	  lock        flocked by the holder; says what kind of store it is, and the holder's process id
//	  jetstream/  the streams
//	  …           what only one kind has
//
// The lock belongs to the kernel: a killed holder has let go of it, and it is never stolen.
type hold struct {
	dir   string
	lock  *os.File
	fresh bool // made by this process
}

// Dir is the directory of the store.
func (h hold) Dir() string { return h.dir }

const (
	lockName    = "lock"
	streamsName = "jetstream"
)

// kind is a kind of store. One is never taken for another: a run's is swept when its lock is free, a bus's lasts.
type kind struct {
	of      string   // whose: a run, a lasting bus
	mark    string   // what the lock file says before the process id; a lasting kind names the version of its layout
	entries []string // what may stand beside the lock
	beside  string   // a directory that may be there too, and before it; or empty
	choice  string   // what names another directory
}

// take makes the directory unless it is there, and locks it. A directory that holds anything else is refused: a
// nats-server's own directory looks much the same.
func (k kind) take(dir string) (hold, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return hold{}, fmt.Errorf("open store: %w", err)
	}
	_, err = os.Stat(dir)
	fresh := errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return hold{}, k.unusable(dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return hold{}, k.unusable(dir, err)
	}
	if err := k.recognise(dir, entries); err != nil {
		return hold{}, fmt.Errorf("open store: %w", err)
	}
	lock, err := k.takeLock(dir)
	if err != nil {
		return hold{}, err
	}
	return hold{dir, lock, fresh}, nil
}

func (k kind) unusable(dir string, err error) error {
	return fmt.Errorf("open store %s: %w: name another directory with %s", dir, err, k.choice)
}

// recognise refuses a directory that is neither empty nor a store of this kind, which has a lock that says so and
// nothing that no such store has.
func (k kind) recognise(dir string, entries []os.DirEntry) error {
	entries = k.own(entries)
	locked := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == lockName })
	if len(entries) > 0 && !locked {
		return k.foreign(dir, entries[0].Name())
	}
	if text, err := os.ReadFile(filepath.Join(dir, lockName)); err == nil && len(text) > 0 {
		if err := k.accept(dir, text); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if e.Name() != lockName && !slices.Contains(k.entries, e.Name()) {
			return k.foreign(dir, e.Name())
		}
	}
	return nil
}

// own is the entries of a directory but for those that are none of the store's matter.
func (k kind) own(entries []os.DirEntry) []os.DirEntry {
	return slices.DeleteFunc(slices.Clone(entries), func(e os.DirEntry) bool {
		return k.beside != "" && e.Name() == k.beside && e.IsDir()
	})
}

func (k kind) foreign(dir, entry string) error {
	what, _, _ := strings.Cut(k.mark, " ")
	return fmt.Errorf("%s is not the store of a %s (it holds %s): name a directory that is empty or new with %s", dir, what, entry, k.choice)
}

// signed is what lock files say: kind, version, process id. Digits below the line are the rest of a longer one, whose
// writer was killed before it could cut them off.
var signed = regexp.MustCompile(`^(run|bus (\d+)) (\d+)(?:\n[\d\n]*)?$`)

// accept refuses what is the store of another kind, or of another version.
func (k kind) accept(dir string, text []byte) error {
	found := signed.FindSubmatch(text)
	switch {
	case found == nil:
		return k.foreign(dir, fmt.Sprintf("a %s that says %q", lockName, text))
	case string(found[1]) == k.mark:
		return nil
	case len(found[2]) == 0:
		return fmt.Errorf("%s is the store of a run, which does not last: name another directory with %s", dir, k.choice)
	case k.mark == runMark:
		return fmt.Errorf("%s is the store of a lasting bus, not of a run: name another directory with %s", dir, k.choice)
	}
	return fmt.Errorf("%s is a store of layout version %s, and this jetreduce knows version %s: use the jetreduce that made it, or name another directory with %s",
		dir, found[2], layout, k.choice)
}
