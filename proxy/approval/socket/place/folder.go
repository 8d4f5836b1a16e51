//go:build linux || darwin || freebsd

package place

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// safe checks that a folder is ours and that nobody else can put anything there.
func safe(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", dir)
	case !known || int(owner.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to another user: name a socket in a folder of your own", dir)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s can be written by others; do: chmod 700 %s", dir, dir)
	}
	return nil
}

// prepare makes the default folder, for nobody else.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := safe(dir); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

const patience = 3 * time.Second

// Home is the default folder, made if it is not there, without what dead processes
// have left in it.
func Home() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	if err := prepare(dir); err != nil {
		return "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	sweep(dir)
	return dir, nil
}

// Name is what a socket in the default folder is called.
func Name() string { return strconv.Itoa(os.Getpid()) + suffix }

// lock keeps others from making or removing sockets in a folder.
func lock(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) || time.Now().After(end) {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", dir, err)
		}
	}
}

// dead says whether a path is a socket at which nobody listens any more.
func dead(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// sweep removes the dead sockets of a folder that is locked.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); strings.HasSuffix(path, suffix) && dead(path) {
			_ = os.Remove(path) // whoever comes next tries again
		}
	}
}

// Bind listens at a path at which nobody else does. The socket is made where only
// we can reach it, and moved to its place with its final mode.
func Bind(path string) (*net.UnixListener, error) {
	dir := filepath.Dir(path)
	if err := errors.Join(fits(path), safe(dir)); err != nil {
		return nil, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if dead(path) {
		_ = os.Remove(path)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s exists already, and is not a socket that was left behind: is another sallyport running? Name another one", path)
	}
	private := filepath.Join(dir, staging)
	_ = os.RemoveAll(private)
	if err := os.Mkdir(private, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	made := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it is not there any more
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Unbind removes a socket that is still the one which was made.
func Unbind(path string, made os.FileInfo) error {
	unlock, err := lock(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer unlock()
	if info, err := os.Lstat(path); err != nil || !os.SameFile(info, made) {
		return nil
	}
	return os.Remove(path)
}

// Living are the sockets of a folder that somebody listens at.
func Living(dir string) ([]string, error) {
	switch err := safe(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	sweep(dir)
	unlock()
	return filepath.Glob(filepath.Join(globQuote(dir), "*"+suffix))
}

func globQuote(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
