package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// crowds are about being many, and about much memory.
func crowds() []attempt {
	return []attempt{
		{"more memory than allowed", func(f Facts) (string, error) {
			hold(2 * f.Memory)
			return "", escaped("%d MiB", 2*f.Memory>>20)
		}},
		{"more memory than allowed, by many", func(f Facts) (string, error) { return many(f) }},
		{"more memory than allowed, in a file without a name", func(f Facts) (string, error) {
			fd, err := unix.MemfdCreate("escape", 0)
			if err != nil {
				return err.Error(), nil
			}
			return fill(fmt.Sprintf("/proc/self/fd/%d", fd), 2*f.Memory)
		}},
		{"more memory than allowed, held by nobody", func(f Facts) (string, error) {
			const piece = 16 << 20
			for sum := int64(0); sum <= 2*f.Memory; sum += piece {
				id, err := unix.SysvShmGet(unix.IPC_PRIVATE, piece, 0o600)
				if err != nil {
					return fmt.Sprintf("%v after %d MiB", err, sum>>20), nil
				}
				held, err := unix.SysvShmAttach(id, 0, 0)
				if err != nil {
					return fmt.Sprintf("%v after %d MiB", err, sum>>20), nil
				}
				touch(held)
				if err := unix.SysvShmDetach(held); err != nil {
					return err.Error(), nil
				}
			}
			return "", escaped("%d MiB", 2*f.Memory>>20)
		}},
		{"more processes than allowed", func(f Facts) (string, error) {
			for n := 0; n < 4*f.PIDs; n++ {
				if err := again("wait").Start(); err != nil {
					return fmt.Sprintf("%v after %d", errors.Unwrap(err), n), nil
				}
			}
			return "", escaped("%d processes", 4*f.PIDs)
		}},
		{"fork bomb", func(f Facts) (string, error) { return bomb(f.PIDs) }},
	}
}

// hold takes memory and writes to all of it.
func hold(size int64) []byte {
	held, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		fmt.Printf("refused: %v\n", err)
		os.Exit(0)
	}
	touch(held)
	return held
}

func touch(held []byte) {
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
}

// many processes each take a part, together twice what is allowed, and must all be
// there with it in the end.
func many(f Facts) (string, error) {
	ended := make(chan error, 4)
	for range 4 {
		part := again("hold memory")
		out, err := part.StdoutPipe()
		if err != nil {
			return "", err
		}
		if err := part.Start(); err != nil {
			return "", err
		}
		word := make([]byte, 5)
		if _, err := out.Read(word); err != nil || string(word) != "held\n" {
			return fmt.Sprintf("a part ended before it had it: %v", err), nil
		}
		go func() { ended <- part.Wait() }()
	}
	select {
	case err := <-ended:
		return fmt.Sprintf("a part ended: %v", err), nil
	case <-time.After(patience):
		return "", escaped("%d MiB in four processes", 2*f.Memory>>20)
	}
}

// bomb forks, and so does each that comes of it. It stops at four times the limit: where
// there is none, no harm is done.
func bomb(limit int) (string, error) {
	shared, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_SHARED)
	if err != nil {
		return "", err
	}
	born, refused := (*int64)(unsafe.Pointer(&shared[0])), (*int64)(unsafe.Pointer(&shared[8]))
	most := int64(4 * limit)
	child, _, e := unix.RawSyscall(unix.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
	if e == 0 && child == 0 { // from here on there is one thread and no runtime
		explode(born, refused, most)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if atomic.LoadInt64(born) >= most {
			return "", escaped("%d processes", most)
		}
		if atomic.LoadInt64(refused) > 100 {
			return fmt.Sprintf("%d were born, then refused 100 times", atomic.LoadInt64(born)), nil
		}
	}
	return "", escaped("%d processes, and %d refused", atomic.LoadInt64(born), atomic.LoadInt64(refused))
}

func explode(born, refused *int64, most int64) {
	for atomic.LoadInt64(born) < most && atomic.LoadInt64(refused) < 1000 {
		_, _, e := unix.RawSyscall(unix.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
		if e == 0 {
			atomic.AddInt64(born, 1)
		} else {
			atomic.AddInt64(refused, 1)
		}
	}
	for {
		unix.RawSyscall(unix.SYS_PAUSE, 0, 0, 0)
	}
}
