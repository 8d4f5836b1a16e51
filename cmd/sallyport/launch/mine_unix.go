//go:build unix

package launch

import (
	"io/fs"
	"os"
	"syscall"
)

// mine says whether a file is our user's.
func mine(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}
