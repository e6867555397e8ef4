package input

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// identity tells one state of one file from another. As text it is `size:mtime:ctime:device:inode`, in decimal, times in
// nanoseconds since 1970.
//
// The change time is what makes it safe: it moves with every edit, and nobody can set it back as they can the
// modification time.
type identity struct {
	size          int64
	mtime, ctime  int64
	device, inode uint64
}

func identityOf(info fs.FileInfo) identity {
	ctime, device, inode := inodeOf(info)
	return identity{info.Size(), info.ModTime().UnixNano(), ctime, device, inode}
}

func (id identity) String() string {
	return fmt.Sprintf("%d:%d:%d:%d:%d", id.size, id.mtime, id.ctime, id.device, id.inode)
}

func parseIdentity(text string) (identity, error) {
	fields := strings.Split(text, ":")
	if len(fields) != 5 {
		return identity{}, fmt.Errorf("parse identity %q: not size:mtime:ctime:device:inode", text)
	}
	var signed [3]int64
	var unsigned [2]uint64
	var err error
	for i := range signed {
		if signed[i], err = strconv.ParseInt(fields[i], 10, 64); err != nil {
			return identity{}, fmt.Errorf("parse identity %q: %w", text, err)
		}
	}
	for i := range unsigned {
		if unsigned[i], err = strconv.ParseUint(fields[3+i], 10, 64); err != nil {
			return identity{}, fmt.Errorf("parse identity %q: %w", text, err)
		}
	}
	return identity{signed[0], signed[1], signed[2], unsigned[0], unsigned[1]}, nil
}

// change says in words how a file that was planned with identity id became now; empty when it did not change.
//
// Another device alone is no change: one shared disk has another number on each machine, and after each mount. No other
// file would have the same inode and, to the nanosecond, the same times.
func (id identity) change(now identity) string {
	sameDevice := id
	sameDevice.device = now.device
	switch {
	case sameDevice == now:
		return ""
	case id.inode != now.inode || id.device != now.device:
		return "was replaced by another file since the job was planned"
	case now.size > id.size:
		return fmt.Sprintf("grew from %d to %d bytes since the job was planned", id.size, now.size)
	case now.size < id.size:
		return fmt.Sprintf("shrank from %d to %d bytes since the job was planned", id.size, now.size)
	case now.mtime != id.mtime:
		return "was edited since the job was planned"
	}
	return "was edited, or its name, owner or mode was changed, since the job was planned"
}
