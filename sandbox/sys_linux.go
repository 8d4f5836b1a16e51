package sandbox

import (
	"math"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeSize of our two busy pipes. Messages of 1 MiB go twice as fast as with the
// usual 64 KiB; a whole 1 MiB gains little more, and an unprivileged user may have
// 64 MiB of pipes in all before each further one is cut down to a page or two.
const pipeSize = 256 << 10

func pipe(ends *[2]int) error { return unix.Pipe2(ends[:], unix.O_CLOEXEC) }

func widen(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize) }

// sealDescriptors keeps what this process was itself given, beyond its standard
// three, from its children. Descriptors that Go opened are sealed already.
func sealDescriptors() {
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
}

// session makes the child lead its own session and group, and die with the
// thread that started it.
func session() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitEnd returns when the process has ended, and leaves it to be reaped: until
// then its id, and that of its group, is nobody else's.
func awaitEnd(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}
