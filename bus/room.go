package bus

import (
	"io/fs"
	"log/slog"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// room is how many bytes the streams of a store may take. What they take already is counted in: a store that is larger than
// what the disk has left would be full as soon as it is served again, by every host in turn. 0, where the system does not
// say what is free, leaves it to the server.
func (c HostConfig) room() int64 {
	if c.Room > 0 {
		return c.Room
	}
	free := c.free
	if free == nil {
		free = freeBytes
	}
	left, err := free(c.Store)
	if err != nil {
		return 0
	}
	return usedBytes(filepath.Join(c.Store, streamsName)) + left/4*3
}

// leastRoom is how much more room it must be to be worth the moment in which the bus is away.
const leastRoom = 16 << 20

// roomier reports whether a host would have more room if it were started now.
func (c HostConfig) roomier(host *Host) bool {
	_, room := host.usage()
	return c.room() >= int64(room)+leastRoom
}

func freeBytes(dir string) (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return int64(uint64(disk.Bavail) * uint64(disk.Bsize)), nil // their types differ between systems
}

// usedBytes is how large the files under a directory are together. What cannot be seen counts for nothing.
func usedBytes(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// usage is how many bytes the streams take, and how many they may.
func (h *Host) usage() (used, room uint64) {
	info, err := h.server.Jsz(nil)
	if err != nil || info.Disabled {
		return 0, 0
	}
	return info.Store, uint64(max(0, info.Config.MaxStore))
}

// fullness notices that a bus has no room left, and that it has some again. Writers are refused meanwhile and try again;
// reading and removing go on, and so does the host: the next one would have no more room.
type fullness struct {
	log     *slog.Logger
	trouble func(what string) // may be nil
	full    bool
}

func (f *fullness) look(host *Host) {
	switch used, room := host.usage(); {
	case !f.full && used > room:
		f.turn(true, "the bus has no room left")
		f.log.Warn("the bus has no room left: remove jobs or streams that nobody needs, or free disk space",
			"used", used, "room", room)
	case f.full && used < room/20*19: // not at once, or it would be said with every message around the limit
		f.turn(false, "")
		f.log.Info("the bus has room again", "used", used, "room", room)
	}
}

func (f *fullness) turn(full bool, what string) {
	f.full = full
	if f.trouble != nil {
		f.trouble(what)
	}
}
