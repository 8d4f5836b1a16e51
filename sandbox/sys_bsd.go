//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package sandbox

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func pipe(ends *[2]int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := unix.Pipe(ends[:]); err != nil {
		return err
	}
	unix.CloseOnExec(ends[0])
	unix.CloseOnExec(ends[1])
	return nil
}

func widen(int) {}

func sealDescriptors() {}

func session() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// awaitEnd returns when the process has ended, and leaves it to be reaped. It also
// returns if that cannot be watched: then the child is ended.
func awaitEnd(pid int) {
	queue, err := unix.Kqueue()
	if err != nil {
		return
	}
	defer shut(queue)
	var events [1]unix.Kevent_t
	unix.SetKevent(&events[0], pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	events[0].Fflags = unix.NOTE_EXIT
	if _, err := unix.Kevent(queue, events[:], nil, nil); err != nil {
		return // most likely ESRCH: it has ended already
	}
	for {
		if _, err := unix.Kevent(queue, nil, events[:], nil); err != unix.EINTR {
			return
		}
	}
}

// A family is empty where there is no /proc to find one in.
type family struct{}

func (*family) look(int)             {}
func (*family) signal(unix.Signal)   {}
func (*family) lives(group int) bool { return unix.Kill(-group, 0) != unix.ESRCH }
