//go:build !linux

package output

import (
	"errors"
	"os"
)

// Only Linux makes files without a name; drafts have a hidden one here.

func openUnnamed(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func linkUnnamed(*os.File, string) error { return errors.ErrUnsupported }

// behind is the path of a file by that of its directory; there is no way by its descriptor.
func behind(_ *os.File, path string) string { return path }

func renameNew(_, _ string) error { return errors.ErrUnsupported }

func renameDir(parent *os.Root, from, to string) error { return renameLooked(parent, from, to) }

func exchange(parent *os.Root, a, b string) error { return exchangeInSteps(parent, a, b) }
