//go:build unix

package main

import (
	"os"
	"syscall"
)

// unblock makes a pipe or socket that we inherited non-blocking, so that a
// goroutine which waits for it holds no thread: all streams of a session must
// be of one kind, since a thread that sleeps in a blocking read keeps runnable
// goroutines waiting (measured: +200 µs a call on one processor). Anything else,
// such as a terminal, which other programs share, stays as it is. Restore undoes
// it for whoever shares the pipe.
func unblock(f *os.File) (_ *os.File, restore func()) {
	keep := func() {}
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return f, keep
	}
	fd := int(f.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		return f, keep
	}
	return os.NewFile(uintptr(fd), f.Name()), func() { _ = syscall.SetNonblock(fd, false) }
}
