//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package audit

import (
	"errors"
	"os"
)

type fileID struct{}

// openFile refuses: without a lock and an identity of files the log's
// promises cannot be kept here.
func openFile(string) (*os.File, fileID, error) {
	return nil, fileID{}, errors.ErrUnsupported
}

func statPath(string) (fileID, int64, error) { return fileID{}, 0, errors.ErrUnsupported }

func syncDir(string) error { return errors.ErrUnsupported }
