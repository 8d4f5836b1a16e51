//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package seal

import (
	"errors"
	"io/fs"
	"os"
)

// openPrivate refuses: who else can read a file cannot be told here. Keys in
// memory are all that is left.
func openPrivate(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func checkPrivate(fs.FileInfo, string, fs.FileMode) error { return errors.ErrUnsupported }
