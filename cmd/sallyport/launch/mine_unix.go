//go:build unix

package launch

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// mine says whether a file is our user's.
func mine(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(s.Uid) == os.Geteuid()
}

// ended says whether there is no process of that id.
func ended(pid string) bool {
	n, err := strconv.Atoi(pid)
	return err == nil && n > 0 && syscall.Kill(n, 0) == syscall.ESRCH
}
