package ending

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// kernelKilled asks the kernel's log whether a container ran out of memory. Engines do
// not always notice (with cgroup v1 on new kernels they never do). Where the log may
// not be read the answer is no.
func kernelKilled(id string) bool {
	if len(id) < 64 {
		return false
	}
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	record := make([]byte, 8<<10)
	for {
		// One read is one record; EPIPE says that some were overwritten meanwhile.
		n, err := unix.Read(fd, record)
		switch {
		case err == unix.EPIPE || err == unix.EINTR:
		case err != nil || n <= 0:
			return false
		case oomRecord(record[:n], id):
			return true
		}
	}
}

func oomRecord(record []byte, id string) bool {
	_, text, _ := bytes.Cut(record, []byte(";"))
	return bytes.HasPrefix(text, []byte("oom-kill:constraint=CONSTRAINT_MEMCG")) && bytes.Contains(text, []byte(id))
}
