package audit

import (
	"os"
	"syscall"
)

// syncData is fdatasync: the bytes and the file's size, not its times.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
