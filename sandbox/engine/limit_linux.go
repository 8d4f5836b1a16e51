package engine

import "golang.org/x/sys/unix"

// processLimit is how many processes our user may have at most.
func processLimit() uint64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &l); err != nil {
		return 0
	}
	return min(l.Max, 1<<20)
}

// nowhere is the clients' working folder: nothing can be written there. Podman's helper
// leaves a file named oom in its own when a box runs out of memory.
const nowhere = "/proc"
