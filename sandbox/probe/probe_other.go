//go:build !linux

package probe

import (
	"errors"
	"io"
)

// Main refuses: boxes are Linux.
func Main([]string, io.Writer) error { return errors.ErrUnsupported }
