package output

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// openUnnamed makes a file in dir that has no name: the system removes it with the process, however that ends. It fails
// where the file system cannot, or where there is no /proc to name the file by afterwards.
func openUnnamed(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_RDWR|unix.O_TMPFILE|unix.O_CLOEXEC, 0o666)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	file := os.NewFile(uintptr(fd), dir)
	if _, err := os.Stat(byDescriptor(file)); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// linkUnnamed gives the file a name that must not exist. (linkat(2) shows this way; the other one needs a privilege.)
func linkUnnamed(file *os.File, name string) error {
	return unix.Linkat(unix.AT_FDCWD, byDescriptor(file), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
}

func byDescriptor(file *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", file.Fd()) }

// behind is the path of a file by the descriptor of its directory: whatever is renamed, it leads there.
func behind(dir *os.File, path string) string { return byDescriptor(dir) + "/" + filepath.Base(path) }

// renameNew renames to a name that must not exist.
func renameNew(from, to string) error {
	return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
}

// renameDir renames within a directory to a name that must not exist.
func renameDir(parent *os.Root, from, to string) error {
	err := rename2(parent, from, to, unix.RENAME_NOREPLACE)
	if unsupported(err) {
		return renameLooked(parent, from, to)
	}
	return err
}

// exchange gives two directories each other's name in one step, where the file system can.
func exchange(parent *os.Root, a, b string) error {
	err := rename2(parent, a, b, unix.RENAME_EXCHANGE)
	if unsupported(err) {
		return exchangeInSteps(parent, a, b)
	}
	return err
}

func rename2(parent *os.Root, from, to string, flags uint) error {
	dir, err := parent.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	fd := int(dir.Fd())
	return unix.Renameat2(fd, from, fd, to, flags)
}

func unsupported(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}
