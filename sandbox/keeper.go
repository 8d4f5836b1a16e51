//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sandbox

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	keeperShell  = "/bin/sh"
	keeperScript = `trap "" HUP INT QUIT TERM; read -r _; kill -KILL "-$1"`
)

// A keeper is a process that kills a child's group when the proxy dies without
// having done so. It holds one end of a pipe; only the proxy has the other.
// The zero keeper keeps nothing.
type keeper struct {
	pid  int
	line int
}

// keep starts a keeper for the group. Without one the child is still killed with
// the proxy where the kernel sees to it, so a failure here is none.
func keep(group int) keeper {
	var line [2]int
	if pipe(&line) != nil {
		return keeper{}
	}
	defer shut(line[0])
	null, err := unix.Open(os.DevNull, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		shut(line[1])
		return keeper{}
	}
	defer shut(null)
	pid, _, err := syscall.StartProcess(keeperShell,
		[]string{"sallyport-keeper", "-c", keeperScript, "sallyport-keeper", strconv.Itoa(group)},
		&syscall.ProcAttr{
			Dir:   "/",
			Files: []uintptr{uintptr(line[0]), uintptr(null), uintptr(null)},
			Sys:   &syscall.SysProcAttr{Setsid: true},
		})
	if err != nil {
		shut(line[1])
		return keeper{}
	}
	return keeper{pid: pid, line: line[1]}
}

// dismiss ends the keeper without its having done anything.
func (k keeper) dismiss() {
	if k.pid == 0 {
		return
	}
	_ = unix.Kill(k.pid, unix.SIGKILL)
	reap(k.pid)
	shut(k.line)
}
