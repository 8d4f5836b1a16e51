// Package socket is the desk of a running proxy, for the command line of the same
// user: HTTP with JSON over a unix socket, which has both of its ends here.
//
// # Why
//
// A yes is worth no more than the proof of who said it, so a connection counts
// for the user whom the kernel names at its other end. Only the proxy's own user
// and root get in. The modes of the socket (0600, from its first moment) and of
// its folder (0700) keep others away before that; neither relies on the other. A
// system that does not say who is at the other end gets no socket.
//
// A yes carries the digest of the text that its person has read, and is refused
// if that is not the text of the question now.
//
// Many proxies of one user run at once, one for each client that started one. So
// each has a socket of its own, named by its process id, and the command line
// speaks to all that it finds. One that nobody listens at any more is removed by
// whoever comes across it; the folder is locked meanwhile, so that none is taken
// for dead that is only about to listen.
//
// MCP clients start servers with hardly any environment. That is why the command
// line looks in every place where a proxy might have put its socket, and not only
// in the one that it would choose itself.
//
// # Rough edges
//
// Root has its own name, so one person with both counts twice where several must
// approve. Arguments of more than a mebibyte cannot be shown whole, and so not be
// approved, here.
package socket

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

const (
	suffix  = ".sock"
	staging = ".new" // where a socket is made, within its folder
	longest = 103    // bytes of a socket's path that every system takes
)

// errNoPeer is why nothing is served on some systems.
var errNoPeer = errors.New("the command line cannot answer here: this system does not say which user is at the other end of a socket")

// Dir is the folder in which a proxy puts its socket: $XDG_RUNTIME_DIR/sallyport
// if that is absolute and our own, else $XDG_STATE_HOME/sallyport/run or
// ~/.local/state/sallyport/run.
func Dir() (string, error) {
	all := dirs()
	if len(all) == 0 {
		return "", errors.New("cannot tell where to put the socket of the command line: neither HOME nor XDG_STATE_HOME nor XDG_RUNTIME_DIR is set")
	}
	return all[0], nil
}

// dirs are all folders that may hold sockets, the preferred one first.
func dirs() []string {
	var all []string
	add := func(dir string) {
		if !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && safe(dir) == nil {
		add(filepath.Join(dir, "sallyport"))
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		add(filepath.Join(dir, "sallyport", "run"))
	}
	if home, err := os.UserHomeDir(); err == nil && filepath.IsAbs(home) {
		add(filepath.Join(home, ".local", "state", "sallyport", "run"))
	}
	return all
}

// fits checks that a socket can be made and reached at a path.
func fits(path string) error {
	n := max(len(path), len(filepath.Dir(path))+len("/"+staging+"/s"))
	if n > longest {
		return fmt.Errorf("the path %s is too long for a socket by %d bytes: name a shorter one", path, n-longest)
	}
	return nil
}
