package input

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"jetreduce/mapreduce"
)

// openRegular opens a file for reading, and refuses all that is not a regular file with a kindError.
func (d disk) openRegular(path string) (*os.File, fs.FileInfo, error) {
	// Looked at before it is opened: opening a pipe waits for a writer, opening a device may act on it.
	info, err := d.stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, kindError(kind(info.Mode()))
	}
	// And it is not waited for if it became a pipe since.
	file, err := d.open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err = file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = kindError(kind(info.Mode()))
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// kindError says what stands where a regular file should.
type kindError string

func (k kindError) Error() string { return fmt.Sprintf("is %s, not a regular file", string(k)) }

// kind names the type of a file for people.
func kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// refuse names the input that cannot be taken, and why. It is permanent unless the machine was only short of something.
func refuse(name string, err error) error {
	refusal := fmt.Errorf("input %s: %w", name, cause(err))
	if absent(err) {
		refusal = notHere{refusal}
	}
	for _, passing := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ESTALE} {
		if errors.Is(err, passing) {
			return refusal
		}
	}
	return mapreduce.Permanent(refusal)
}

// cause drops the operation and the path that the os package puts before an error: ours name the input already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// notHere marks an error as mapreduce.ErrAbsent, whose words add nothing to its own.
type notHere struct{ error }

func (e notHere) Unwrap() []error { return []error{e.error, mapreduce.ErrAbsent} }

// absent reports whether err says that there is nothing of that name.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
