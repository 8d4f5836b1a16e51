package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// neighbours are about another box.
func neighbours() []attempt {
	return []attempt{
		{"look into another box's scratch", func(Facts) (string, error) {
			ways := map[string]error{}
			for _, file := range []string{"/tmp/other", "/dev/shm/other"} {
				ways[file] = readable(file)
			}
			return each(ways)
		}},
		{"talk to another box", func(f Facts) (string, error) {
			return each(map[string]error{
				"tcp": dial("tcp", fmt.Sprintf("127.0.0.1:%d", f.Port)), "abstract": dial("unix", "@"+f.Other),
			})
		}},
		{"share memory and messages with another box", func(f Facts) (string, error) {
			_, shm := unix.SysvShmGet(f.Port, 4096, 0o666)
			_, _, queue := unix.Syscall(unix.SYS_MSGGET, uintptr(f.Port), 0o666, 0)
			return each(map[string]error{"shmget": shm, "msgget": fail(queue), "mq_open": openQueue("other", unix.O_RDONLY)})
		}},
		{"find another box's secret in shared keyrings", func(Facts) (string, error) {
			_, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, "user", "other", 0)
			return each(map[string]error{"search": err})
		}},
		{"use another box's way out", func(f Facts) (string, error) { return otherSockets(f.Socket) }},
		{"put another socket in the way out's place", func(Facts) (string, error) {
			ways := map[string]error{"folder": write("/run/sallyport/egress/new", "x")}
			all, _ := filepath.Glob("/run/sallyport/egress/*")
			for _, at := range append(all, "/run/sallyport/egress", "/run/sallyport/sallyport") {
				ways["rename "+at] = os.Rename(at, at+"-old")
				ways["remove "+at] = os.Remove(at)
				ways["chmod "+at] = os.Chmod(at, 0o777)
				ways["link "+at] = os.Link(at, "/tmp/linked")
			}
			l, err := net.Listen("unix", "/run/sallyport/egress/new")
			if err == nil {
				l.Close()
			}
			ways["listen"] = err
			return each(ways)
		}},
	}
}

// otherSockets looks for any socket but the one that is ours.
func otherSockets(host string) (string, error) {
	ways := map[string]error{host: dial("unix", host), "/proc/1/root" + host: dial("unix", "/proc/1/root"+host)}
	for _, s := range []string{"/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/dbus/system_bus_socket", "/run/systemd/journal/socket", "/dev/log"} {
		ways[s] = dial("unix", s)
	}
	filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		switch {
		case path == "/proc":
			return fs.SkipDir
		case err != nil || d.Type()&fs.ModeSocket == 0 || filepath.Dir(path) == "/run/sallyport/egress":
			return nil
		}
		ways[path] = dial("unix", path)
		return nil
	})
	if all, _ := filepath.Glob("/run/sallyport/egress/*"); len(all) > 1 {
		return "", escaped("several ways out: %v", all)
	}
	return each(ways)
}

func openQueue(name string, flags uintptr) error {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	_, _, e := unix.Syscall6(unix.SYS_MQ_OPEN, ptr(p), flags, 0o666, 0, 0, 0)
	return fail(e)
}

// neighbour is the other box. It leaves its secret wherever somebody might find it.
func neighbour(f Facts) error {
	for _, file := range []string{"/tmp/other", "/dev/shm/other"} {
		if err := os.WriteFile(file, []byte(f.Other), 0o666); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", f.Port))
	if err != nil {
		return err
	}
	a, err := net.Listen("unix", "@"+f.Other)
	if err != nil {
		return err
	}
	// Where a box may not, there is nothing to find either.
	_, shm := unix.SysvShmGet(f.Port, 4096, unix.IPC_CREAT|0o666)
	_, _, queue := unix.Syscall(unix.SYS_MSGGET, uintptr(f.Port), unix.IPC_CREAT|0o666, 0)
	_, key := unix.AddKey("user", "other", []byte(f.Other), unix.KEY_SPEC_USER_KEYRING)
	fmt.Fprintln(os.Stderr, shm, fail(queue), key, openQueue("other", unix.O_CREAT|unix.O_RDWR))
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return errors.Join(l.Close(), a.Close())
}
