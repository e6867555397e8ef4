package bus_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"jetreduce/bus"
)

func openBus(t *testing.T, dir string) *bus.BusStore {
	t.Helper()
	s, err := bus.OpenBusStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func letGo(t *testing.T, s *bus.BusStore) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestBusStoreLastsAndHasOneHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := openBus(t, dir)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v; want a directory of our own", info.Mode(), err)
	}
	write(t, filepath.Join(dir, "jetstream", "x"), "precious")
	_, err := bus.OpenBusStore(dir)
	if mustSay(t, err, dir, fmt.Sprint("process ", os.Getpid()), "JETREDUCE_STORE"); !errors.Is(err, bus.ErrStoreInUse) {
		t.Errorf("a second holder: %v, want %v", err, bus.ErrStoreInUse)
	}
	letGo(t, s)
	letGo(t, openBus(t, dir))
	if text, err := os.ReadFile(filepath.Join(dir, "jetstream", "x")); string(text) != "precious" {
		t.Errorf("the streams are %q: %v", text, err)
	}
}

func TestStoreOfAnotherKindIsRefusedAndUntouched(t *testing.T) {
	openRun := func(dir string) error { _, err := bus.OpenStore(dir); return err }
	openBus := func(dir string) error { _, err := bus.OpenBusStore(dir); return err }
	for name, c := range map[string]struct {
		lock string
		open func(dir string) error
		says string
	}{
		"bus for run":    {"bus 1 4711\n", openRun, "lasting bus"},
		"newer for run":  {"bus 2 4711\n", openRun, "lasting bus"},
		"run for bus":    {"run 4711\n", openBus, "store of a run"},
		"newer for bus":  {"bus 2 4711\n", openBus, "layout version 2"},
		"other words":    {"precious", openBus, "precious"},
		"other words, 2": {"bus 1 x", openBus, "bus 1 x"},
		"no words":       {"", openBus, "lock"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "lock"), c.lock)
		write(t, filepath.Join(dir, "jetstream", "x"), "precious")
		mustSay(t, c.open(dir), dir, c.says, "--store")
		for file, want := range map[string]string{"lock": c.lock, "jetstream/x": "precious"} {
			if text, err := os.ReadFile(filepath.Join(dir, file)); string(text) != want {
				t.Errorf("%s: %s is %q: %v", name, file, text, err)
			}
		}
	}
}

func TestSweepLeavesLastingStoresAlone(t *testing.T) {
	parent := t.TempDir()
	write(t, filepath.Join(parent, "run-x", "lock"), "bus 1 1\n")
	write(t, filepath.Join(parent, "run-x", "jetstream", "x"), "precious")
	swept, err := bus.Sweep(parent)
	if mustSay(t, err, "lasting bus"); swept != 0 {
		t.Errorf("swept %d", swept)
	}
	if _, err := os.Stat(filepath.Join(parent, "run-x", "jetstream", "x")); err != nil {
		t.Error(err)
	}
}

func TestForeignFilesMakeNoBusStore(t *testing.T) {
	for _, files := range [][]string{{"photo.jpg"}, {"jetstream/$G/streams/ORDERS/msgs/1.blk"}, {"address"}, {"lock", "photo.jpg"}} {
		dir := t.TempDir()
		for _, file := range files {
			write(t, filepath.Join(dir, file), "bus 1 1\n")
		}
		_, err := bus.OpenBusStore(dir)
		mustSay(t, err, dir, "--store")
	}
}

// The writer of a lock file may be killed between two words.
// Stores of single ports may stand in the directory before the store does.
func TestStoresOfPortsDoNotMatter(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := os.MkdirAll(filepath.Join(dir, bus.PortStores, "8765"), 0o700); err != nil {
			t.Fatal(err)
		}
		store, err := bus.OpenBusStore(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHalfWrittenLockStillOpens(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "lock"), "bus 1 99\n4711\n")
	write(t, filepath.Join(dir, "jetstream", "x"), "x")
	letGo(t, openBus(t, dir))
	if text, err := os.ReadFile(filepath.Join(dir, "lock")); string(text) != fmt.Sprintf("bus 1 %d\n", os.Getpid()) {
		t.Errorf("the lock says %q: %v", text, err)
	}
}

func TestUnusableDirectoryIsNamedWithWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "x")
	_, err := bus.OpenBusStore(filepath.Join(file, "store"))
	mustSay(t, err, filepath.Join(file, "store"), "--store", "JETREDUCE_STORE")
	if os.Getuid() == 0 {
		return // who may do everything is refused nothing
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err = bus.OpenBusStore(dir)
	mustSay(t, err, dir, "permission denied", "--store", "JETREDUCE_STORE")
}

func TestAddressThatIsNoneIsAnError(t *testing.T) {
	dir := t.TempDir()
	if _, err := bus.BusAddress(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no address yet: %v", err)
	}
	for _, text := range []string{"", "x", "http://127.0.0.1:80", "nats://127.0.0.1"} {
		write(t, filepath.Join(dir, "address"), text)
		_, err := bus.BusAddress(dir)
		mustSay(t, err, dir, "--server")
	}
}
