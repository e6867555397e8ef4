//go:build !linux

package output

import (
	"errors"
	"os"
)

// Only Linux makes files without a name; drafts have a hidden one here.

func openUnnamed(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func linkUnnamed(*os.File, string) error { return errors.ErrUnsupported }

func renameNew(_, _ string) error { return errors.ErrUnsupported }
