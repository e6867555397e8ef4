package input

import (
	"io/fs"
	"syscall"
)

// inodeOf is what the portable FileInfo lacks: the change time in nanoseconds, the device and the inode.
func inodeOf(info fs.FileInfo) (ctime int64, device, inode uint64) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, 0, 0
	}
	return stat.Ctimespec.Nano(), uint64(stat.Dev), stat.Ino
}
