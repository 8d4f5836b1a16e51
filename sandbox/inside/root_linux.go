package inside

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// leaveRoot becomes the user (UID:GID), of no group but the one, with no capability
// and no way to one. It is for the thread that calls it.
func leaveRoot(user string) error {
	u, g, _ := strings.Cut(user, ":")
	uid, err := strconv.Atoi(u)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(g)
	if err != nil {
		return err
	}
	if uid <= 0 || gid <= 0 {
		return fmt.Errorf("%d:%d is root", uid, gid)
	}
	if err := dropBounds(); err != nil {
		return err
	}
	if err := syscall.Setgroups([]int{}); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return fmt.Errorf("setresgid: %w", err)
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return fmt.Errorf("setresuid: %w", err)
	}
	// The kernel took what was effective along with root; what may be inherited stays
	// until it is given up.
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none, now [2]unix.CapUserData
	if err := unix.Capset(&head, &none[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	if err := unix.Capget(&head, &now[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	if now != none || os.Getuid() != uid || os.Geteuid() != uid || os.Getegid() != gid {
		return errors.New("some of it is left")
	}
	return nil
}

// dropBounds makes every capability one that this thread cannot get.
func dropBounds() error {
	for c := uintptr(0); ; c++ {
		in, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
		if err != nil {
			return nil // the kernel has no such capability: that was the last
		}
		if in == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return fmt.Errorf("capability %d: %w", c, err)
		}
	}
}
