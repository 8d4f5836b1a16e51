//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// fileID tells one file from another.
type fileID struct{ dev, ino uint64 }

// openFile opens or creates the file, locked for this process alone.
func openFile(path string) (*os.File, fileID, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fileID{}, err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK) {
		return nil, fileID{}, fmt.Errorf("%s is a symbolic link: name the file itself", path)
	}
	if err != nil {
		return nil, fileID{}, err
	}
	id, err := claim(f, path)
	if err != nil {
		f.Close()
		return nil, fileID{}, err
	}
	return f, id, nil
}

// claim refuses a file that others can write, and locks it.
func claim(f *os.File, path string) (fileID, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		return fileID{}, err
	}
	id := fileID{uint64(st.Dev), uint64(st.Ino)}
	switch {
	case st.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return id, fmt.Errorf("%s is not a regular file", path)
	case int(st.Uid) != os.Geteuid():
		return id, fmt.Errorf("%s belongs to user %d, not to this one (%d)", path, st.Uid, os.Geteuid())
	case st.Mode&0o022 != 0:
		return id, fmt.Errorf("%s can be written by group or others (mode %04o): chmod 600 it", path, st.Mode&0o777)
	}
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return id, fmt.Errorf("%s: %w%s", path, ErrInUse, holder(id))
	}
	if err != nil {
		return id, fmt.Errorf("locking %s: %w", path, err)
	}
	// Between opening and locking, its last owner may have moved it away.
	if now, _, err := statPath(path); err != nil || now != id {
		return id, fmt.Errorf("%s was replaced while it was being opened", path)
	}
	return id, nil
}

// holder names the process that holds the lock, where the system tells.
func holder(id fileID) string {
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	suffix := fmt.Sprintf(":%d", id.ino)
	lines := bufio.NewScanner(bytes.NewReader(locks))
	for lines.Scan() {
		// 1: FLOCK  ADVISORY  WRITE 4711 fd:00:131 0 EOF
		f := strings.Fields(lines.Text())
		if len(f) > 5 && f[1] == "FLOCK" && strings.HasSuffix(f[5], suffix) {
			return " (pid " + f[4] + ")"
		}
	}
	return ""
}

// statPath tells which file stands at path now, and its size.
func statPath(path string) (fileID, int64, error) {
	var st syscall.Stat_t
	err := syscall.Lstat(path, &st)
	for err == syscall.EINTR {
		err = syscall.Lstat(path, &st)
	}
	return fileID{uint64(st.Dev), uint64(st.Ino)}, st.Size, err
}

// syncDir makes the file's name durable.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
