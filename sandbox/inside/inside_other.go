//go:build !linux

package inside

import "errors"

// Main refuses: boxes are Linux.
func Main([]string, Forward) (int, error) { return 125, errors.ErrUnsupported }
