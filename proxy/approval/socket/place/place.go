// Package place makes and finds the sockets of running proxies, in folders that only
// one user can put anything into, and says who is at the other end of one.
package place

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
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
	all := Dirs()
	if len(all) == 0 {
		return "", errors.New("cannot tell where to put the socket of the command line: neither HOME nor XDG_STATE_HOME nor XDG_RUNTIME_DIR is set")
	}
	return all[0], nil
}

// Dirs are all folders that may hold sockets, the preferred one first.
func Dirs() []string {
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

// Dial connects to a socket, and makes sure whom it speaks to: what another user
// says must not be taken for a question. Root may speak to anybody.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	if err := fits(path); err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	uid, err := Peer(conn.(*net.UnixConn))
	if own := os.Geteuid(); err == nil && uid != own && own != 0 {
		err = errors.New("it belongs to another user")
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
